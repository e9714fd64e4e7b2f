"""Weights in host memory: where they are read from, in which order they are kept, and what the engine allocates."""
