"""IMAP4rev1 (RFC 3501) as a machine without I/O: octets in, commands out; decisions in, octets out.

Follow one command: `session.Session.receive_data` cuts the input into commands (reader.py), `lexer.py` splits one into
tokens, commands/<verb>.py makes a frozen value of it, `state.py` says whether it is allowed now. The process `imap`
acts on it and answers with responses/*.py. What a session sees of its mailbox is `view.py`: the one place where
sequence numbers, EXPUNGE and MODSEQ are decided.

Extensions: IDLE (RFC 2177), NAMESPACE (2342), ID (2971), LITERAL+ (7888), UIDPLUS (4315), UNSELECT (3691), CHILDREN
(3348), SASL-IR (4959), ENABLE (5161), CONDSTORE (7162), SPECIAL-USE and CREATE-SPECIAL-USE (6154), MOVE (6851),
APPENDLIMIT (7889), and the response codes of RFC 5530.
Not done here: reading mail, storing it, checking passwords, waiting.
"""
