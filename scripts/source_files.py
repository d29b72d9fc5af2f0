"""Writes the files of a new source that follow from its frame: migration, staging model and dbt source.

Run when the frame and the module of the source are written: `.venv/bin/python scripts/source_files.py`. A table that a
migration makes, or that a staging model reads, is left alone. The files are a start: edit them like any others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dataframely as dy
import dbt_sources

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.ingest.sources import loadable

if TYPE_CHECKING:
    from ons_bigdata.pilots import Pilot
    from ons_bigdata.platform.ingest.sources import Source

ROOT = Path(__file__).resolve().parent.parent

SQL_TYPES: dict[type[dy.Column], str] = {
    dy.Bool: "boolean",
    dy.Date: "date",
    dy.Datetime: "timestamptz",
    dy.Float64: "double precision",
    dy.Int16: "smallint",
    dy.Int32: "integer",
    dy.Int64: "bigint",
    dy.String: "text",
}
"""Column type of a frame → type in Postgres."""

_STAGING = """\
{{{{ config(materialized='view', tags=['whole']) }}}}

select
    loads.data_origin,
{columns}
from {{{{ source('raw', '{table}') }}}} as delivered
inner join {{{{ source('ops', 'loads') }}}} as loads
    on delivered.load_id = loads.load_id
inner join {{{{ source('ops', 'files') }}}} as files
    on loads.file_id = files.file_id
where files.superseded_by is null
"""


def files_of(pilot: Pilot) -> dict[Path, str]:
    """Path and text of the files that the sources of a pilot lack. Raises ValueError for a frame that cannot be."""
    files: dict[Path, str] = {}
    migrations = ROOT / "ons_bigdata" / pilot.name / "migrations"
    models = ROOT / "dbt_project" / "models" / "staging" / pilot.name
    created = "".join(path.read_text("utf-8") for path in sorted(migrations.glob("*.sql")))
    staged = "".join(path.read_text("utf-8") for path in sorted(models.rglob("*.sql")))
    number = _next_number(migrations)
    for source in loadable(pilot.sources):
        table = source.table_name.removeprefix("raw.")
        if not re.search(rf"create table raw\.{table}\b", created):
            files[migrations / f"{number:04d}_{table}.sql"] = migration(source)
            number += 1
        if f"source('raw', '{table}')" not in staged:
            name = f"stg_{pilot.name}__{table}"
            files[models / source.area / f"{name}.sql"] = staging_model(source)
            files[models / source.area / f"{name}.yml"] = staging_description(source, name, pilot.name)
    return files


def migration(source: Source) -> str:
    """SQL that makes the raw table of a source, with the bounds of its frame.

    Raises ValueError for a frame without `load_id` and `line`, or with a type that a raw table cannot have.
    """
    columns = source.table.frame.columns()
    for required in ("load_id", "line"):
        if required not in columns:
            raise ValueError(f"{source.table.frame.__name__} has no column {required}, by which a load's rows change")
    table = source.table_name
    lines = [f"    {_definition(name, column)}," for name, column in columns.items()]
    return "\n".join(
        [
            f"-- {dbt_sources.table_description(source.table.frame)}",
            "",
            f"create table {table} (",
            *lines,
            "    primary key (load_id, line)",
            ");",
            f"create index {table.removeprefix('raw.')}_partition on {table} ({source.table.partition_column});",
            "",
        ]
    )


def _definition(name: str, column: dy.Column) -> str:
    sql_type = SQL_TYPES.get(type(column))
    if sql_type is None:
        raise ValueError(
            f"column {name} is {type(column).__name__}; expected one of {', '.join(t.__name__ for t in SQL_TYPES)}"
        )
    parts = [f"{name} {sql_type}"]
    if not column.nullable:
        parts.append("not null")
    if name == "load_id":
        return " ".join([*parts, "references ops.loads (load_id)"])
    conditions = list(_conditions(name, column))
    if conditions:
        parts.append(f"check ({' and '.join(conditions)})")
    return " ".join(parts)


def _conditions(name: str, column: Any) -> Iterator[str]:  # noqa: ANN401  (bounds are attributes of the subtypes)
    """Conditions that a column's bounds make in SQL. NaN is above every number in Postgres."""
    if getattr(column, "regex", None) is not None:
        yield f"{name} ~ {_literal(column.regex)}"
    if getattr(column, "is_in", None) is not None:
        yield f"{name} in ({', '.join(map(_literal, column.is_in))})"
    for attribute, sign in (("min", ">="), ("min_exclusive", ">"), ("max", "<="), ("max_exclusive", "<")):
        bound = getattr(column, attribute, None)
        if bound is not None:
            yield f"{name} {sign} {_literal(bound)}"
    if isinstance(column, dy.Float64):
        if column.min is None and column.min_exclusive is None:
            yield f"{name} > '-Infinity'"
        if column.max is None and column.max_exclusive is None:
            yield f"{name} < 'Infinity'"


def _literal(value: object) -> str:
    if isinstance(value, bool | int | float):
        return f"{value:g}" if isinstance(value, float) else str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def staging_model(source: Source) -> str:
    """SQL of the view that opens the raw table: the rows of current files."""
    columns = ",\n".join(f"    delivered.{name}" for name in _staged_columns(source))
    return _STAGING.format(columns=columns, table=source.table_name.removeprefix("raw."))


def staging_description(source: Source, name: str, pilot: str) -> str:
    """YAML of the staging model: its columns with the texts of the frame."""
    first = source.table.description.rstrip(".")
    texts = {"data_origin": _data_origin(pilot)}
    columns = source.table.frame.columns()
    for column in _staged_columns(source):
        texts[column] = dbt_sources.sentence(columns[column].description or "")
    lines = [
        "version: 2",
        "",
        "models:",
        f"  - name: {name}",
        f"    description: {json.dumps(f'{first}, in the current files.', ensure_ascii=False)}",
        "    columns:",
    ]
    for column, text in texts.items():
        lines += [f"      - name: {column}", f"        description: {json.dumps(text, ensure_ascii=False)}"]
    return "\n".join(lines) + "\n"


def _staged_columns(source: Source) -> list[str]:
    """Columns of the raw table in the order of the staging model; that of the origin comes from the load."""
    last = ("load_id", "line")
    return [name for name in source.table.frame.columns() if name not in ("data_origin", *last)] + list(last)


def _data_origin(pilot: str) -> str:
    """Description of the column `data_origin`: the pilot's doc block where it has one."""
    block = f"{pilot}__data_origin"
    texts = (path.read_text("utf-8") for path in (ROOT / "dbt_project" / "models").glob("*_columns.md"))
    has_block = any(f"{{% docs {block} %}}" in text for text in texts)
    return f"{{{{ doc('{block}') }}}}" if has_block else "Whether the rows are real or simulated."


def _next_number(migrations: Path) -> int:
    return 1 + max(int(path.name[:4]) for path in migrations.glob("*.sql"))


def main() -> None:
    """Write the files that are missing and print their paths."""
    for pilot in PILOTS:
        for path, text in files_of(pilot).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
    dbt_sources.main()


if __name__ == "__main__":
    main()
