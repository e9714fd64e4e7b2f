"""The main window and its controller."""
