"""Frames of the tweets pilot: columns, types, units and bounds."""
