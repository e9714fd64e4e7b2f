"""Import dialog."""
