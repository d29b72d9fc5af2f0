"""Compliance events of the platform of posts: their files, tombstones, and the lines of archives that have to go."""
