"""ingress: the SMTP server shell and the one way in, shared by `mx` and `submission`.

Follow one message: `server` makes a `connection` per client; `handlers` answer the verbs, asking the process's `policy`
what it allows; after the dot `acceptance` makes the message durable and only then is it promised with a 250.
`recipients` resolves RCPTs, `usage` knows who is over quota, `backpressure` closes the edge while a stage lags behind.

Invariants: 250 only after the log has acknowledged; nothing about a message is decided twice; what one connection does
never holds up another. Not done here: which adapters (`<process>/__main__.py`), protocol rules (`protocol.smtp`).
"""
