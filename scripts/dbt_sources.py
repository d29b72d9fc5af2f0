"""Writes the dbt sources of the tables that Python writes, `__sources_<schema>.yml`, from their frames.

Run after a change of a frame: `.venv/bin/python scripts/dbt_sources.py`. A test compares the files with the frames.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ons_bigdata.pilots import PILOTS

if TYPE_CHECKING:
    import dataframely as dy

ROOT = Path(__file__).resolve().parent.parent
STAGING = ROOT / "dbt_project" / "models" / "staging"

SCHEMAS = {
    "raw": "Typed rows as delivered, written by raw assets.",
    "analysis": "Results of methods, written by Python assets.",
    "restricted": "Rows about single people, homes or devices, written by Python assets.",
}
"""Schemas whose tables Python writes. Those of `ops` belong to the platform and are described by hand."""


def render(schema: str, tables: Mapping[str, type[dy.Schema]]) -> str:
    """Text of the sources file of one schema. Raises ValueError for a frame or column without a description."""
    lines = [
        "# Written by scripts/dbt_sources.py from the frames; edit those.",
        "version: 2",
        "",
        "sources:",
        f"  - name: {schema}",
        f"    description: {SCHEMAS[schema]}",
        f"    schema: {schema}",
        "    tables:",
    ]
    for table, frame in tables.items():
        lines += _table(table, frame)
    return "\n".join(lines) + "\n"


def _table(table: str, frame: type[dy.Schema]) -> Iterator[str]:
    schema, name = table.split(".")
    yield f"      - name: {name}"
    yield f"        description: {json.dumps(table_description(frame), ensure_ascii=False)}"
    yield "        config:"
    yield "          meta:"
    yield "            dagster:"
    yield f"              asset_key: [{schema}, {name}]"
    yield "        columns:"
    for column, definition in frame.columns().items():
        if not definition.description:
            raise ValueError(f"{frame.__name__}.{column} has no description")
        text = json.dumps(sentence(definition.description), ensure_ascii=False)
        yield f"          - {{name: {column}, description: {text}}}"


def table_description(frame: type[dy.Schema]) -> str:
    """First paragraph of a frame's docstring without the name of its table."""
    paragraph = " ".join((frame.__doc__ or "").strip().split("\n\n")[0].split())
    if not paragraph.startswith("One row per "):
        raise ValueError(f"{frame.__name__}: the docstring begins with {paragraph[:20]!r}, expected 'One row per …'")
    return re.sub(r" \(`\w+\.\w+`\)|, as `\w+\.\w+` holds it", "", paragraph)


def sentence(text: str) -> str:
    """Text of a column as a sentence: a capital first letter, a full stop at its end."""
    words = text[0].upper() + text[1:] if re.match(r"[a-z]+\b(?![._(;])", text) else text
    return words if words.endswith((".", "?")) else f"{words}."


def files() -> dict[Path, str]:
    """Path and text of every generated file."""
    files = {}
    for pilot in PILOTS:
        for schema in SCHEMAS:
            inside = {table: frame for table, frame in pilot.tables.items() if table.startswith(f"{schema}.")}
            if inside:
                files[STAGING / pilot.name / f"__sources_{schema}.yml"] = render(schema, inside)
    return files


def main() -> None:
    """Write the files that differ."""
    for path, text in files().items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
