"""spam: how likely a message is spam, and why: channels, features, models, fusion, explanation. Pure."""
