"""`posthouse completion`.

The script for bash is our own: bash splits words at `@`, so that an address under the cursor arrives in pieces, and
replaces only the last of them. This one puts the word together again and gives back what stands behind the break.
"""

from __future__ import annotations

import click

PROGRAM = "posthouse"
VARIABLE = "_POSTHOUSE_COMPLETE"

BASH = """\
_posthouse_completion() {
    local line=${COMP_LINE:0:COMP_POINT} word words response kind value before=''
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    word=${words[-1]}
    response=$(COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) _POSTHOUSE_COMPLETE=bash_complete "$1")
    # bash replaces only what begins with the last @, which it takes for the beginning of a host name.
    [[ $COMP_WORDBREAKS == *@* && $word == *@* ]] && before=${word%@*}
    COMPREPLY=()
    while IFS=',' read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done <<< "$response"
}
complete -o nosort -F _posthouse_completion posthouse
"""


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

    if shell == "bash":
        click.echo(BASH, nl=False)
        return
    make = get_completion_class(shell)
    assert make is not None
    click.echo(make(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
