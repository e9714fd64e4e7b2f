"""Start and end of the program with its window."""
