"""Commands of the command line, one module for each. `cli` and `rendering` show their results."""
