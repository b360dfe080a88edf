"""Sans-I/O protocol cores: octets in, decisions and octets out. No sockets, clocks, or randomness here."""
