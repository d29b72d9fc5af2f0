"""Simulated geo-located events: users with their places, archives in every format, and the truth."""
