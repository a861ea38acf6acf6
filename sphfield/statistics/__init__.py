"""Numbers from a map."""
