"""models: what is learned: linear models over hashed features, boosted trees over structure, their fusion, the file."""
