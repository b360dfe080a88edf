"""learning: what each account has taught the filter, one document per account."""
