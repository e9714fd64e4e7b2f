"""Loads that are run through without allocating memory."""
