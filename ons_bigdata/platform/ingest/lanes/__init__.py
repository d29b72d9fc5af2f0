"""Lanes: processes that read stretches of lines of one file side by side."""
