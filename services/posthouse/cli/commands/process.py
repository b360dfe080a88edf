"""`posthouse mx` and the other processes of a cluster: each is its package's own main."""

from __future__ import annotations

import importlib
from pathlib import Path

import click


def _process(name: str, does: str) -> click.Command:
    @click.command(
        name,
        help=does,
        epilog=f"""\b
Examples:
  posthouse {name} --config cluster.toml
  posthouse {name} --config cluster.toml --workers 4
  posthouse {name} --config cluster.toml --set http.port=9500 --set telemetry.log_level=debug

SIGTERM drains and exits 0; a second signal exits at once with 130. SIGHUP reads certificates again.""",
    )
    @click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="POSTHOUSE_CONFIG",
        help="TOML file with the settings (`posthouse config reference` explains them).",
    )
    @click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting.")
    @click.option("--workers", type=click.IntRange(1, 64), help="Worker processes that share the listeners.")
    @click.option(
        "--ready-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Written as JSON once the process can work, removed when it ends.",
    )
    @click.pass_context
    def run(
        ctx: click.Context,
        config: Path | None,
        overrides: tuple[str, ...],
        workers: int | None,
        ready_file: Path | None,
    ) -> None:
        argv = [f"--set={override}" for override in overrides]
        argv += [f"--config={config}"] if config is not None else []
        argv += [f"--workers={workers}"] if workers is not None else []
        argv += [f"--ready-file={ready_file}"] if ready_file is not None else []
        main = importlib.import_module(f"posthouse.{name}.__main__").main
        ctx.exit(main(argv))

    return run


mx = _process("mx", "Run the SMTP server that receives mail from the internet (port 25).")
submission = _process("submission", "Run the SMTP server that takes mail from users who log in (ports 587 and 465).")
filter = _process("filter", "Run the stage that judges each accepted message and routes it to its recipients.")
delivery = _process("delivery", "Run the stage that delivers into accounts, or holds what cannot be delivered.")
mailstore = _process("mailstore", "Run the service that keeps the account logs, for delivery and imap.")
imap = _process("imap", "Run the IMAP server (ports 143 and 993).")
