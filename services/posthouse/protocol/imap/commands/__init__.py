"""One file per verb: the frozen value a command becomes, and the parser that makes it. `registry.py` knows them all."""
