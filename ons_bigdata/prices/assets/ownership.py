"""Whose the assets of the prices pilot are."""

GROUP = "prices"
OWNERS = ["team:prices"]
