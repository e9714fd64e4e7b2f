"""The child process that reads document formats."""
