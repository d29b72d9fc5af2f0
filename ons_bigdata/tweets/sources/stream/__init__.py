"""Collector of the filtered stream of posts: connections, spool, gaps, and rolled files that land as archives do."""
