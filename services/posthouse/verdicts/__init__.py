"""verdicts: from all that was found out about a message to what happens with it. Pure, given ports.Directory.

judge.py = evidence and policy in, verdict with its reasons out.
"""
