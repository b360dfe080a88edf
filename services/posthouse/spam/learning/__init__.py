"""learning: what a site and a user teach on top of the global model, and how it is taken back."""
