"""dns: what the DNS says. zones.py = in memory, for tests and split horizons; stub.py = asks recursive resolvers."""
