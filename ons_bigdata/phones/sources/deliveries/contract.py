"""Rows of a delivery against its specification. A delivery is taken in whole or sent back whole."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.schemas.deliveries import ProviderFlow
from ons_bigdata.phones.schemas.specification import TOTAL
from ons_bigdata.phones.schemas.vocabulary import DAY_TYPE, KEY, SEGMENT, SIMULATED, STATUSES
from ons_bigdata.phones.sources.deliveries.counts import count_bounds, read_counts
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.loading import Reading, refused_reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import dataframely as dy

    from ons_bigdata.phones.schemas.specification import Specification
    from ons_bigdata.phones.sources.specification_files import Registered

MOST_FAULTS = 5
"""Most faults that the reason of a refusal lists."""

_KEY = ["origin_code", "dest_code", "segment", "day_type"]
_ROUNDING_ERROR = 1e-6


@dataclass(frozen=True)
class FileName:
    """Parts of the name of a delivered file, `<table>_<provider>_<YYYY-MM>.csv` or `.parquet`."""

    provider: str
    month: date

    @property
    def last_day(self) -> date:
        """Last day of the month."""
        return self.month.replace(day=calendar.monthrange(self.month.year, self.month.month)[1])


def parse_name(name: str, table: str) -> FileName | None:
    """Parse the name of a delivered file of a table; None for another name or a month that does not exist."""
    pattern = rf"{table}_([a-z0-9-]{{1,32}})_([0-9]{{4}})-([0-9]{{2}})(?:_[a-z0-9+-]+)*\.(?:csv|parquet)"
    match = re.fullmatch(pattern, name.removeprefix(SIMULATED))
    if match is None or not (1 <= int(match[3]) <= 12 and int(match[2]) >= 1):
        return None
    return FileName(match[1], date(int(match[2]), int(match[3]), 1))


def find_specification(
    spec_ids: Sequence[str], name: FileName, register: Mapping[str, Registered]
) -> tuple[Specification | None, str | None]:
    """Return the specification of a delivery, or the reason why there is none."""
    distinct = sorted(set(spec_ids))
    if len(distinct) != 1:
        return None, f"spec_id {', '.join(distinct[:MOST_FAULTS]) or 'of no row'}; expected one for the whole file"
    registered = register.get(distinct[0])
    if registered is None:
        known = ", ".join(sorted(register)) or "none"
        return None, (
            f"spec_id {distinct[0]!r} is not in the register of specifications (known: {known}); "
            f"`ons-bigdata phones spec FILE --register {name.provider}` adds it, then ingest the file again"
        )
    if registered.provider != name.provider:
        return None, f"spec_id {distinct[0]} is that of provider {registered.provider}; the file is of {name.provider}"
    spec = registered.specification
    if name.month not in spec.months():
        return None, (
            f"month {name.month:%Y-%m} of the file name is outside of the specification's period, "
            f"{spec.period.first_day} to {spec.period.last_day}"
        )
    return spec, None


def accept_whole(rows: pl.DataFrame, faults: pl.Series, schema: type[dy.Schema]) -> Reading:
    """Return the reading of rows of which none has a fault, else the refusal of the file.

    `faults`: text of the fault of each row, null without; in the order of the rows.
    """
    if (refusal := refusal_of(rows["line"], faults)) is not None:
        return refused_reading(refusal)
    accepted, failure = schema.filter(rows.select(schema.column_names()))
    if len(failure):
        details = failure.details()
        rules = [name for name in details.columns if "|" in name]
        broken = [
            f"line {row['line']}: breaks {', '.join(rule for rule in rules if row[rule] == 'invalid')}"
            for row in details.head(MOST_FAULTS).iter_rows(named=True)
        ]
        return refused_reading(f"{len(failure)} of {rows.height} rows are wrong: {'; '.join(broken)}")
    return Reading("loaded", None, accepted.height, accepted.sort("line"), pl.DataFrame(schema=QUARANTINE_SCHEMA))


def refusal_of(lines: pl.Series, faults: pl.Series) -> str | None:
    """Return the reason of a refusal by faults of rows; None without any."""
    wrong = pl.DataFrame({"line": lines, "fault": faults}).filter(pl.col("fault").is_not_null()).sort("line")
    if wrong.is_empty():
        return None
    listed = "; ".join(f"line {line}: {fault}" for line, fault in wrong.head(MOST_FAULTS).iter_rows())
    more = f"; and {wrong.height - MOST_FAULTS} more" if wrong.height > MOST_FAULTS else ""
    return f"{wrong.height} of {len(lines)} rows are wrong, the delivery is sent back: {listed}{more}"


def read_flow_rows(rows: pl.DataFrame, name: FileName, spec: Specification, load_id: str) -> Reading:
    """Read rows of flows under their specification.

    `rows`: line, provider, spec_id, period_start, period_end, origin_code, dest_code, geography (the vintage), segment,
    day_type, devices, persons, status (empty where the delivery has none), avg_days_observed, method_version, all text
    but the line. Refused as a whole, with the lines: wrong or unknown codes, mixed vintages, another month, negative or
    ambiguous numbers, a status that contradicts the number, repeated cells, another method version; and totals that the
    cells, within suppression and rounding, cannot have.
    """
    parsed = _parsed(rows, spec)
    reading = accept_whole(
        parsed.select(
            pl.lit(load_id).alias("load_id"),
            "line",
            pl.lit(name.month).alias("month"),
            "provider",
            "spec_id",
            pl.lit(name.month).alias("period_start"),
            pl.lit(name.last_day).alias("period_end"),
            pl.lit(spec.zones.geography).alias("geography"),
            pl.col("geography").alias("vintage"),
            "cell_kind",
            *_KEY,
            "devices_value",
            "persons_value",
            "cell_status",
            "lower",
            "upper",
            "days_value",
            "method_version",
        ).rename(
            {
                "devices_value": "devices",
                "persons_value": "persons",
                "cell_status": "status",
                "days_value": "avg_days_observed",
            }
        ),
        parsed.select(_row_fault(name, spec)).to_series(),
        ProviderFlow,
    )
    if reading.outcome == "loaded" and (disagreement := disagreeing_totals(reading.accepted, spec)):
        return refused_reading(disagreement)
    return reading


def _parsed(rows: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    rule = spec.disclosure
    counts = {name: read_counts(name, rule, is_whole=name == "devices") for name in ("devices", "persons")}
    value, meaning, _ = counts[spec.expansion.unit]
    numbered = pl.lit("rounded" if rule.rounding_base > 1 else "observed")
    origin_is_total, dest_is_total = (pl.col(column) == TOTAL for column in ("origin_code", "dest_code"))
    kind = (
        pl.when(origin_is_total & dest_is_total)
        .then(pl.lit("total"))
        .when(dest_is_total)
        .then(pl.lit("origin_total"))
        .when(origin_is_total)
        .then(pl.lit("destination_total"))
        .otherwise(pl.lit("pair"))
    )
    other = "persons" if spec.expansion.unit == "devices" else "devices"
    parsed = rows.with_columns(
        counts["devices"][0].alias("devices_value"),
        counts["persons"][0].alias("persons_value"),
        counts[spec.expansion.unit][2].alias("count_fault"),
        pl.when(pl.col(other) != "").then(counts[other][2]).alias("other_fault"),
        pl.when(value.is_not_null()).then(numbered).otherwise(meaning).alias("cell_status"),
        value.alias("value"),
        kind.alias("cell_kind"),
        pl.when(pl.col("avg_days_observed").str.contains(r"^[0-9]{1,3}(\.[0-9]{1,6})?$"))
        .then(pl.col("avg_days_observed").cast(pl.Float64, strict=False))
        .alias("days_value"),
    )
    is_pair = pl.col("cell_kind") == "pair"
    lower, upper = count_bounds(pl.col("value"), pl.col("cell_status"), rule, is_pair=is_pair)
    return parsed.with_columns(lower.alias("lower"), upper.alias("upper"))


def _row_fault(name: FileName, spec: Specification) -> pl.Expr:
    """First fault of a row, as text."""
    zones, rule = spec.zones, spec.disclosure

    def differs(column: str, expected: str) -> pl.Expr:
        return pl.when(pl.col(column) != expected).then(_shown(column, f"expected {expected}"))

    def unknown(column: str) -> pl.Expr:
        known = pl.col(column).is_in([*zones.codes, TOTAL])
        return pl.when(~known).then(_shown(column, f"not a code of {zones.vintage} in the specification"))

    given = pl.col("status").str.to_lowercase()
    is_hidden = (
        (pl.col("value") >= rule.least_hidden)
        & (pl.col("upper") < rule.threshold)
        & (pl.col("cell_kind") == "pair")
        & (rule.threshold > 1)
    )
    return pl.coalesce(
        differs("geography", zones.vintage),
        unknown("origin_code"),
        unknown("dest_code"),
        differs("provider", name.provider),
        differs("period_start", name.month.isoformat()),
        differs("period_end", name.last_day.isoformat()),
        differs("method_version", spec.method_version),
        pl.when(~pl.col("segment").str.contains(SEGMENT)).then(_shown("segment", "expected a key")),
        pl.when(~pl.col("day_type").str.contains(DAY_TYPE)).then(_shown("day_type", "expected all, weekday, …")),
        pl.when(~pl.col("method_version").str.contains(KEY)).then(_shown("method_version", "expected a key")),
        pl.col("count_fault"),
        pl.col("other_fault"),
        pl.when((given != "") & ~given.is_in(STATUSES)).then(_shown("status", f"expected {', '.join(STATUSES)}")),
        pl.when((given != "") & (given != pl.col("cell_status"))).then(
            pl.format("status '{}', but the count means {}", pl.col("status"), pl.col("cell_status"))
        ),
        pl.when(is_hidden).then(
            pl.format(
                "a count of {}; counts below {} are suppressed under the specification",
                pl.col("value"),
                pl.lit(rule.threshold),
            )
        ),
        pl.when((pl.col("avg_days_observed") != "") & pl.col("days_value").is_null()).then(
            _shown("avg_days_observed", "expected a number of days or nothing")
        ),
        pl.when(~pl.struct(_KEY).is_first_distinct()).then(
            pl.format("cell {} to {}, {}, {} came before", *(pl.col(column) for column in _KEY))
        ),
    )


def _shown(column: str, expected: str) -> pl.Expr:
    return pl.format("{} '{}', {}", pl.lit(column), pl.col(column).str.slice(0, 60), pl.lit(expected))


def disagreeing_totals(flows: pl.DataFrame, spec: Specification) -> str | None:
    """Return how rows of totals contradict the cells; None where they agree within suppression and rounding.

    `flows`: accepted rows (ProviderFlow) of a single file. A total agrees if its own bounds and the sum of the bounds
    of its cells overlap; a pair without a row has the bounds of what the specification says it means.
    """
    rule = spec.disclosure
    absent = {"suppressed": float(rule.largest_hidden), "structural_zero": 0.0}
    absent_least = float(rule.least_hidden) if rule.absent_pair_means == "suppressed" else 0.0
    pairs = flows.filter(pl.col("cell_kind") == "pair")
    size = len(spec.zones.codes)
    found = []
    sides = {
        "origin_total": (["origin_code"], size),
        "destination_total": (["dest_code"], size),
        "total": ([], size**2),
    }
    for kind, (code, cells) in sides.items():
        group = [*code, "segment", "day_type"]
        sums = pairs.group_by(group).agg(
            cells=pl.len(),
            least=pl.col("lower").sum(),
            greatest=pl.when(pl.col("upper").is_null().any()).then(None).otherwise(pl.col("upper").sum()),
        )
        totals = flows.filter(pl.col("cell_kind") == kind).join(sums, on=group, how="left")
        missing = cells - pl.col("cells").fill_null(0)
        upper = absent.get(rule.absent_pair_means)
        greatest = pl.col("greatest").fill_null(pl.when(pl.col("cells").is_null()).then(0.0)) + (
            missing * upper if upper is not None else pl.when(missing == 0).then(0.0)
        )
        least = pl.col("least").fill_null(0.0) + missing * absent_least
        checked = totals.with_columns(greatest=greatest, least=least).filter(
            (pl.col("least") > pl.col("upper") + _ROUNDING_ERROR)
            | (pl.col("greatest") < pl.col("lower") - _ROUNDING_ERROR)
        )
        for row in checked.sort("line").iter_rows(named=True):
            above = "" if row["greatest"] is None else f" to {row['greatest']:g}"
            found.append(
                f"line {row['line']}: {kind} {row['origin_code']} to {row['dest_code']} is {row['lower']:g} to "
                f"{row['upper']:g}, but its cells add to {row['least']:g}{above}"
            )
    if not found:
        return None
    more = f"; and {len(found) - MOST_FAULTS} more" if len(found) > MOST_FAULTS else ""
    return f"{len(found)} totals disagree, the delivery is sent back: {'; '.join(found[:MOST_FAULTS])}{more}"
