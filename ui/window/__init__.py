"""The main window and its shortcuts."""
