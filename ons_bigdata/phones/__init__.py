"""Phones pilot: an operator's aggregate flows become travel-to-work flows that are compared with the census."""
