"""Sentences about devices, plans and what fits."""

from __future__ import annotations

PLANS: dict[str, str] = {}
