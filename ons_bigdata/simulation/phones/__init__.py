"""A simulated network operator in the simulated world: phones, masts, events, and the tables that it delivers.

Imports no method: the operator applies the rules of the specification by an implementation of its own, and the truth is
written apart.
"""
