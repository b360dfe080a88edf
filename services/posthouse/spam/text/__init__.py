"""text: a message as a reader sees it: decoded, hidden text taken out and counted, links found, letters normalised."""
