"""GGUF headers: reading, tensor types, shards, metadata."""
