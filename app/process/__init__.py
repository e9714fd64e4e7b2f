"""Child processes: how they are started, controlled by lines, and limited in memory and time."""
