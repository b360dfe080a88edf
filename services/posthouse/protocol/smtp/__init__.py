"""SMTP without I/O (RFC 5321 and the extensions we offer): what the server reads, decides and says.

Follow one transaction: `verbs` cuts a command line and says which verb may come when; `paths` reads MAIL and RCPT;
`data` takes the octets after 354 until the lone dot; `trim` cuts header fields that only we may write and counts hops;
`received` writes our trace line; `replies` names every answer once. The sockets are in `posthouse.ingress`.
"""
