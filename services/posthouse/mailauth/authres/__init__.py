"""Authentication-Results, RFC 8601: render.py writes ours, parse.py reads those of others, ours.py finds forgeries."""
