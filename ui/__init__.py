"""The window: arranges, shows, asks, and words things.  Holds no fact that would be lost with the window."""
