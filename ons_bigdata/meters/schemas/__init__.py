"""Frames of the meters pilot."""
