"""Adapters to the outside: files of meter readings and of the attributes of homes. `SOURCES` lists them."""
