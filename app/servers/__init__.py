"""OpenAI-compatible servers: registry, client and chat backend."""
