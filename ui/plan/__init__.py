"""The memory plan of a model."""
