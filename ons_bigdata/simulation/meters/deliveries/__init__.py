"""Simulated deliveries of readings: files in the formats of trials, faults, and the truth apart."""
