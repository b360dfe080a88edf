"""DKIM: signatures made and verified (RFC 6376 with RFC 8301, RFC 8463 and RFC 8616).

`message.SignedMessage` holds one message for all its signatures, `verify.verify` judges them, `sign.sign` makes one.
Nothing here does I/O: keys come through ports.Resolver, the time is a number the caller passes in.
"""
