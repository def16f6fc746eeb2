"""What modules ask about their host."""
