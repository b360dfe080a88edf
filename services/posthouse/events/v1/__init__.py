"""events.v1: generated code; `make protos` writes it, `make check` compares it with the .proto files."""
