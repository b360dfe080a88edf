"""`posthouse`, also as `python -m posthouse.cli`."""

from posthouse.cli.root import root


def main() -> None:
    """Runs the command line; ends the process with one of the exit codes of exits.py."""
    root.main(prog_name="posthouse")


if __name__ == "__main__":
    main()
