"""model: the words of the platform as frozen values. No I/O, no clock, no randomness; imports nothing of Posthouse."""
