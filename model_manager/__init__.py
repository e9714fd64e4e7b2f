"""Model files on the hub, on disk and in GPU memory; independent of Qt and of the program."""
