"""The command line: the same program without a window, for scripts and for tests."""
