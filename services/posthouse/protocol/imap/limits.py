"""How much a client may ask of the parser. Each limit has a reason; none depends on settings but the message's size."""

MAX_LINE = 65_536
"""Octets of one line without its literals."""
MAX_COMMAND = 65_536
"""Octets of a command with its literals, APPEND's message apart."""
MAX_LITERALS = 64
"""Literals of one command. A client needs a handful."""
MAX_PREAUTH = 8_192
"""Octets of a command before login: nobody known may make the server hold more (AUTHENTICATE tokens fit)."""
MAX_PREAUTH_LITERAL = 4_096
"""RFC 7888 §5 gives the same bound to LITERAL- clients."""
MAX_DEPTH = 50
"""Nested parentheses in SEARCH."""
MAX_SEQUENCE_RANGES = 8_192
"""Ranges in one sequence set; clients compress theirs, 64 KiB holds not many more."""
MAX_SEARCH_KEYS = 300
MAX_PATTERN = 2_000
"""Characters of a LIST pattern: twice the longest name."""
MAX_FETCH_ITEMS = 200
MAX_HEADER_FIELDS = 200
"""Field names in one HEADER.FIELDS."""
