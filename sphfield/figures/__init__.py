"""Everything that draws, always on `ax`; nothing here saves or shows."""
