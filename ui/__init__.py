"""Qt user interface; keeps no data of its own."""
