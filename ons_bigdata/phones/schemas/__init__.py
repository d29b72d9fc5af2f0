"""Frames of the phones pilot: columns, types, units and bounds."""
