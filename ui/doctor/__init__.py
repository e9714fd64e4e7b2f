"""The diagnostics page."""
