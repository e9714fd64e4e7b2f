"""The layout of model files: stacked experts, joined split parts, conversion."""
