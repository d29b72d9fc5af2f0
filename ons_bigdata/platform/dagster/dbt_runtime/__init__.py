"""How dbt runs many calls in one process: connections that nodes share, and the part of a project that a call reads."""
