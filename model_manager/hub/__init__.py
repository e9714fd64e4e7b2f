"""The model hub: catalogue, listings, HTTP access, mirrors."""
