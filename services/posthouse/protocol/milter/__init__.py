"""The milter protocol, version 6, from the filter's side: octets in, events and packets out (libmilter's mfdef.h; what
Postfix does with it is in its MILTER_README).

packets.py = frames and replies · negotiation.py = what both sides can · session.py = from packets to messages.
"""
