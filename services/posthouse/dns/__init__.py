"""dns: what the DNS says. resolver.py = the platform's own, over recursive resolvers; zones.py = in memory.

resolver.py   look-ups: cache, one query for many askers, upstreams in turn, deadline
budget.py     what one message may spend on them
cache.py      answers for their TTL, and beyond it (pure)
upstreams.py  who is asked and who is well (pure)
exchange.py   one question to one upstream, over udp.py and stream.py (TCP, TLS)
query.py      what is sent, and whether a reply echoes it (pure)
response.py   what a reply says (pure)
"""
