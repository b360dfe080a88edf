"""features: what the models see of a message: hashed words and n-grams, counted structure, rules that fired."""
