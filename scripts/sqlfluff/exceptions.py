"""Stand-in for dbt's `exceptions` in templates: sqlfluff renders macros without values, so nothing may raise."""


def raise_compiler_error(_message: str) -> str:
    """Return nothing; dbt itself would stop with the message."""
    return ""
