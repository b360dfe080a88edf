"""imap: the message store access agent for IMAP4rev1 (MS, RFC 5598 §4.2.4; RFC 3501).

Role          MS access (RFC 5598 §4.2.4), ports 143 (STARTTLS) and 993 (implicit TLS)
Consumes      nothing
Produces      mail.trace.v1 (the first FETCH of a message), mail.learn.v1 (moves into and out of Junk)
Reads/Writes  account logs through the mail store; blobs (reads bodies, writes large APPENDs); reads the directory
Acknowledges  OK after the commit, never before
On crash      connections break; what was answered OK is durable, what was not is whole or not there at all

Follow one command: server.py makes a connection.py for each socket; the sans-I/O session (protocol.imap.session) cuts
the input; handlers/<verb>.py does the work through the ports; updates.py brings what others change. A connection that
waits, idling or not, holds no task and no timer: server.py looks at all deadlines, updates.py has one task per account.
"""
