"""mailauth: who a message comes from, proved or not: SPF, DKIM, ARC, DMARC, iprev, and the field that reports it.

Pure, given ports.Resolver; results are those of model/authentication.py, and nothing raises for what a stranger sends
or publishes.

    evaluate.py     all of it for one message, in the order in which one needs the other
    spf/            RFC 7208: records, macros, check_host(), the two identities
    dkim/           RFC 6376: signatures verified and made
    arc/            RFC 8617: chains verified and sealed
    dmarc/          RFC 9989: the author's domain, its policy by tree walk, what a receiver does about it, counters
    iprev.py        RFC 8601 §3: the name of the client's address
    bimi.py         the logo's address, as evidence
    authres/        RFC 8601: Authentication-Results written, read, and cut where forged in our name
    replies.py      RFC 7372: what a sender is told whose mail is refused for it
    domains.py      domain names as they are asked for and compared
    parsed.py       parsed DNS records, kept by their text
"""
