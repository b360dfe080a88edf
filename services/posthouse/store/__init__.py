"""store: what outlives a message's journey. account/ = account logs, blob/ = octets, directory/ = who is who."""
