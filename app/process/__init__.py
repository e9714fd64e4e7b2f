"""Child processes with limits on memory and time."""
