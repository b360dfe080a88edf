"""`posthouse completion`."""

from __future__ import annotations

import click

PROGRAM = "posthouse"
VARIABLE = "_POSTHOUSE_COMPLETE"


@click.command(
    epilog="""\b
Examples:
  eval "$(posthouse completion bash)"        in ~/.bashrc
  eval "$(posthouse completion zsh)"         in ~/.zshrc
  posthouse completion fish > ~/.config/fish/completions/posthouse.fish"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and, while Posthouse runs, addresses."""
    from click.shell_completion import get_completion_class

    make = get_completion_class(shell)
    assert make is not None
    click.echo(make(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
