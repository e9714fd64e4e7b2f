"""Servers that speak like OpenAI's: which are known, how they are asked, and one of their models as a chat source."""
