"""Names that moved between Pythons."""
