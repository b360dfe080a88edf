"""control: gRPC between processes, generated from protos/posthouse/control. Only `posthouse.store.account.wire`, the
store client beside it and the mailstore process import it."""
