"""control.v1: generated code; `make protos` writes it, a test compares it with the .proto files."""
