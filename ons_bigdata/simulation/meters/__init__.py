"""Simulated smart meters: generators, faults and files of readings, with their truth apart."""
