"""One file per verb: `async (connection, request) → tagged answer`, None when it was sent or comes later.

A handler raises what it cannot do: MailError (answered by protocol.imap.responses.errors), BadSyntax and NoSuchMessage
(BAD). Untagged changes of the mailbox are sent by the connection afterwards, never by a handler."""
