"""Reading, writing, copying and hashing files, and free disk space."""
