"""Local server: OpenAI's API for the model of this program, for other programs on this computer or its network."""
