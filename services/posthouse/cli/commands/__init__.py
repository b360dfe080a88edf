"""The subcommands, one file per noun: options, the operation of admin/ that does it, and what is printed."""
