"""Processors of the machine."""

from __future__ import annotations

import os


def usable_processors() -> int:
    """Return how many processors this process may use; where the system does not say, how many the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
