"""reputation: what DNS lists and our own memory say of who sends, as log-odds. Pure, given a Resolver and tallies."""
