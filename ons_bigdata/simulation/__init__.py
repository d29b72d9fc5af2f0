"""Simulated shops and sources for the demo and the tests, with the truth in separate files.

Independent of methods and estimation, which are judged by this truth.
"""
