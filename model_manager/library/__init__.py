"""Model files on this machine: registry, import, verification, removal, relocation."""
