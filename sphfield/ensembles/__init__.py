"""Many maps: one seed, indexed realisations, and what was measured on them."""
