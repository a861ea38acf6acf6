"""Things that make maps: transforms, Gaussian fields, finite networks."""
