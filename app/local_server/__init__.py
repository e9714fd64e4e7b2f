"""Local server: OpenAI's and Anthropic's API for the model of this program, for programs here or in its network."""
