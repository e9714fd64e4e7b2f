"""Settings, presets, drafts, secrets and the paths of the data folder."""
