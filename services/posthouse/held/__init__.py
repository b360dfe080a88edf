"""held: mail that was accepted and cannot be delivered, in the quarantine of its domain: hold, list, show, release,
drop. `delivery` holds; the rest is behind `posthouse held`."""
