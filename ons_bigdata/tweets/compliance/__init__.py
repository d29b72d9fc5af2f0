"""Compliance events of posts and users: recording them as tombstones, and applying those to all that is kept."""
