"""Tiny models of every layout."""

from tests.rigs.model_fixtures import *  # noqa: F403
