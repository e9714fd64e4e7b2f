"""Qt user interface; keeps no data that would be lost with it."""
