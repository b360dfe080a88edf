"""reputation: tallies of senders and counts for DMARC reports, shared by all processes."""
