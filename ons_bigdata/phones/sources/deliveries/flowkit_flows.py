"""Flows of FlowKit as JSON, under a specification: rows of pairs, of which those with small values are left out."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.phones.sources.deliveries import contract
from ons_bigdata.platform.ingest.loading import Reading, refused_reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.phones.sources.specification_files import Registered

READER_VERSION = "1"
TABLE = "flowkit_flows"
NAME_FORM = f"{TABLE}_<provider>_<YYYY-MM>_<segment>_<day type>_<spec_id>.json"
"""Name of a file; it has what a long file has in columns."""
LEAST_SHOWN = 16
"""Value from which FlowKit keeps a row; a specification must have this threshold."""

_NAME = re.compile(
    rf"{TABLE}_([a-z0-9-]{{1,32}})_([0-9]{{4}})-(0[1-9]|1[0-2])_([a-z0-9+-]{{1,64}})_([a-z]{{1,16}})_([0-9a-f]{{16}})\.json"
)


def parse_name(name: str) -> tuple[contract.FileName, str, str, str] | None:
    """File, segment, type of day and specification of a name; None for another name."""
    match = _NAME.fullmatch(name.removeprefix(SIMULATED))
    if match is None or int(match[2]) < 1:
        return None
    return contract.FileName(match[1], date(int(match[2]), int(match[3]), 1)), match[4], match[5], match[6]


def read_flowkit(content: bytes, *, name: str, load_id: str, register: Mapping[str, Registered]) -> Reading:
    """Read a JSON of flows into ProviderFlow rows, or refuse it with the reason. Never raises for any content.

    A list of rows, or an object with the list `query_result`. A row has a key that ends in `_from` and one that ends in
    `_to` (codes of zones, such as pcod_from), or `origin` and `destination`, and `value` or `count`. The line of a row
    is its place from 2 on. Rows of 15 and fewer are absent: the specification must suppress them, and say that a pair
    without a row is suppressed.
    """
    parts = parse_name(name)
    if not content:
        return refused_reading("no bytes", "outage")
    if parts is None:
        return refused_reading(f"file name {name!r}; expected {NAME_FORM}")
    file, segment, day_type, spec_id = parts
    spec, reason = contract.find_specification([spec_id], file, register)
    if spec is None:
        return refused_reading(str(reason))
    rule = spec.disclosure
    if rule.threshold != LEAST_SHOWN or rule.absent_pair_means != "suppressed" or not rule.suppresses_zeros:
        zeros = "suppressed" if rule.suppresses_zeros else "delivered"
        return refused_reading(
            f"the specification has threshold {rule.threshold}, zeros that are {zeros} and absent pairs that are "
            f"{rule.absent_pair_means}; FlowKit leaves out rows below {LEAST_SHOWN}, zeros among them: expected "
            f"threshold {LEAST_SHOWN}, zeros and absent pairs suppressed"
        )
    rows, fault = _rows(content)
    if rows is None:
        return refused_reading(str(fault))
    unit = spec.expansion.unit
    text = {
        "provider": file.provider,
        "spec_id": spec.spec_id,
        "period_start": file.month.isoformat(),
        "period_end": file.last_day.isoformat(),
        "geography": spec.zones.vintage,
        "segment": segment,
        "day_type": day_type,
        "persons" if unit == "devices" else "devices": "",
        "status": "",
        "avg_days_observed": "",
        "method_version": spec.method_version,
    }
    table = rows.rename({"count": unit}).with_columns(pl.lit(value).alias(key) for key, value in text.items())
    return contract.read_flow_rows(table, file, spec, load_id)


def _rows(content: bytes) -> tuple[pl.DataFrame | None, str | None]:
    """Rows as text: line, origin_code, dest_code, count; or why there are none."""
    try:
        document: Any = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return None, f"no JSON: {error}"
    listed = document.get("query_result") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not listed:
        return None, "no list of rows, and no object with a list query_result"
    found: list[tuple[int, str, str, str]] = []
    for line, row in enumerate(listed, start=2):
        keys = _keys(row) if isinstance(row, dict) else None
        if keys is None:
            return None, f"row {line}: expected an origin (…_from), a destination (…_to) and a value"
        values = [row[key] for key in keys]
        if isinstance(values[2], bool) or not isinstance(values[2], int | float | str):
            return None, f"row {line}: {keys[2]} {str(values[2])[:60]!r}; expected a number"
        number = f"{values[2]:.0f}" if isinstance(values[2], float) and values[2].is_integer() else str(values[2])
        found.append((line, str(values[0]), str(values[1]), number))
    columns = {"line": pl.Int32, "origin_code": pl.String, "dest_code": pl.String, "count": pl.String}
    return pl.DataFrame(found, schema=columns, orient="row"), None


def _keys(row: dict[str, Any]) -> tuple[str, str, str] | None:
    """Keys of origin, destination and value; None where one is missing or there are two of a kind."""
    chosen = []
    for endings, names in ((("_from",), ("origin",)), (("_to",), ("destination",)), ((), ("value", "count"))):
        kind = [key for key in row if key in names or (endings and key.endswith(endings))]
        if len(kind) != 1:
            return None
        chosen.append(kind[0])
    return chosen[0], chosen[1], chosen[2]
