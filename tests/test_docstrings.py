"""Style of docstrings: a noun phrase or a verb of the trade, which states what the thing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("benchmarks", "ons_bigdata", "scripts", "tests")

OPENING = re.compile(r"(Say|Tell|Give|What|Which|Whether|Hold|Look|Put|Take|Let|Mend)s?\b")
"""Openings that do not name the thing. A predicate opens with "True if", a fixture with its noun."""


def vague_openings(source: str) -> Iterator[tuple[int, str]]:
    """Line and first word of each docstring, those of constants and fields included, with such an opening."""
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                match = OPENING.match(value.value)
                if match:
                    yield value.lineno, match[0]


@pytest.mark.parametrize(
    ("source", "vague"),
    [
        ('"""What a module has."""', [(1, "What")]),
        ('def f():\n    """Whether it rains."""', [(2, "Whether")]),
        ('class A:\n    n: int\n    """Takes all."""', [(3, "Takes")]),
        ('"""Number of days."""\nN = 1\n"""True if it rains; what holds."""', []),
        ('def f():\n    """Letters of a word."""\n    return "What"', []),
    ],
)
def test_a_vague_opening_is_listed_with_its_line(source: str, vague: list[tuple[int, str]]) -> None:
    assert list(vague_openings(source)) == vague


def test_no_docstring_has_a_vague_opening() -> None:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 100
    vague = [
        f"{file.relative_to(ROOT)}:{line}: {word} …"
        for file in files
        for line, word in vague_openings(file.read_text("utf-8"))
    ]
    assert vague == []
