"""Stand-in for dbt's `modules` in templates, as far as macros use it."""

import re  # noqa: F401
