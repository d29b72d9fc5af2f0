"""A simulated filtered stream of posts over real HTTP on this machine: its script of faults, its clock, its server."""
