"""Models on the hub, on disk and in GPU memory.  A library without Qt and without the program: it is told folders."""
