"""composition: where adapters are chosen, and nothing else is.

embedded.py = one process on one directory; cluster.py = Kafka, Cassandra, S3; process.py = what every process of a
cluster does around its parts. Only `<process>/__main__.py` and the CLI import this package (import-linter holds it)."""
