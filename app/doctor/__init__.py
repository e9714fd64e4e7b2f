"""What this machine offers, what is missing, and what mends it: looked at in parts, told as values, worded once."""
