"""ports: what the platform asks of the world, as `typing.Protocol`. Each docstring is the promise that every adapter
keeps and that its contract suite (tests/contract/) proves, on the embedded engines and on the real servers."""
