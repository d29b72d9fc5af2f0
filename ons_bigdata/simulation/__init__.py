"""Simulated worlds for the demo and the tests, each with its truth written apart.

No methods and no estimation: the truth is independent of what is judged by it.
"""
