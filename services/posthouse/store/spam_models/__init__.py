"""spam_models: versions of spam models and which are in use."""
