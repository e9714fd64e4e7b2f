"""Pictures in prompts of the loaded file."""
