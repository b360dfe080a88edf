"""Posthouse, a mail platform. Follow one message:

1  mx/server.py, ingress/connection.py      a client connects to port 25; handlers/ answer its commands
2  ingress/recipients.py                    RCPT: which accounts an address leads to, by the directory
3  protocol/smtp/data.py, trim.py           the octets after 354, checked in bulk; fields that only we may write are cut
4  ingress/acceptance.py                    body durable, record acknowledged by the log, 250 with the queue_id
5  filter/pipeline.py, model/routing.py     verdict per recipient; one delivery per account under a derived id
6  delivery/pipeline.py                     prefix, folder, one commit; what cannot be delivered is held
7  protocol/mime/prepared.py                one scan of the message makes what FETCH will answer
8  store/account/plan.py                    what the commit does: uid, modseq, counts, quota, journal entry; pure
9  store/account/sqlite.py, owner_commit.py the commit itself, embedded or as a conditional batch
10 imap/updates.py, imap/connection.py      a hint, a pull of the journal, EXISTS to whoever idles
11 imap/handlers/fetch.py                   the first FETCH

ARCHITECTURE.md tells the same at length; services/README.md is the map of processes, topics and libraries.
"""

__version__ = "0.1.0.dev0"
