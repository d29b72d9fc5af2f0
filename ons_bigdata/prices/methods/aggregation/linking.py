"""Scales and links of index series: rebasing, linking two series at an overlap, chaining and unchaining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    eager_frame,
    finite_number,
    not_positive,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_other_type,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.prices.methods.panels.period_calendar import (
    given_calendar,
    listed_periods,
    months_of,
    refuse_unsorted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INCOMPLETE_BASES = ("error", "available")
MEANS = ("arithmetic", "geometric")


def december_january_links(periods: Sequence[Any]) -> list[Any]:
    """Link periods of a double chain: each December and each January among the periods, and the first.

    `periods`: months, as dates or as text and whole numbers that read as such (see `period_calendar`), in any order.
    Raises ValueError on periods that are not months, one after the other, or not all of one type: of years, quarters,
    weeks and days give the links explicitly, in the column `link` of the weights. Source: ONS, Consumer Prices Indices
    Technical Manual (2019), double chain-linking.
    """
    listed = pl.Series(listed_periods(periods, name="periods"))
    if listed.is_empty():
        message = "periods: none, expected months"
        raise ValueError(message)
    refuse_unsorted(listed, "periods")
    ordered = listed.unique().sort().to_list()
    if (months := months_of(ordered)) is None:
        message = (
            f"periods: {ordered[0]!r} to {ordered[-1]!r} do not read as months, one period each; list the link periods"
        )
        raise ValueError(message)
    return [period for n, (period, month) in enumerate(zip(ordered, months, strict=True)) if n == 0 or month in (1, 12)]


def rebased(
    table: pl.DataFrame | pl.LazyFrame,
    base_periods: Iterable[Any],
    *,
    value: float = 100.0,
    node: str | None = "node",
    column: str = "index",
    incomplete: str = "error",
) -> pl.DataFrame:
    """Scale each node's index so that its arithmetic mean over the base periods is `value`.

    `table`: columns period, `node` (None: a single series), `column`, and others, which stay as they are; but
    `link_index` of `aggregate` is scaled along, so that `contributions` add up afterwards, too. A node without any
    index in the base periods becomes null, with a `reason` if the table has that column.
    `incomplete`: base periods that the table or a node lacks: "error"; "available": the mean of those there are.

    Raises ValueError where no base period is in the table, on an incomplete base, and on an index that is not positive
    and finite (null passes). Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9.
    """
    refuse_unknown("incomplete", incomplete, INCOMPLETE_BASES)
    factor = finite_number("value", value)
    table = checked_series(table, node, column, "table")
    base = [base_periods] if isinstance(base_periods, str) or not hasattr(base_periods, "__iter__") else [*base_periods]
    base = list(dict.fromkeys(base))
    periods = set(table["period"].to_list())
    lost = [period for period in base if period not in periods]
    if len(lost) == len(base):
        message = f"base_periods: none of {base} is in the table"
        raise ValueError(message)
    if lost and incomplete == "error":
        message = (
            f"base_periods: {len(lost)} of {len(base)} are not in the table; the first: {lost[0]};"
            " incomplete='available' takes the mean of the others"
        )
        raise ValueError(message)
    known = pl.Series([period for period in base if period in periods], dtype=table.schema["period"])
    in_base = pl.col("period").is_in(known.implode())
    keys = [node] if node is not None else []
    levels = table.filter(in_base, pl.col(column).is_not_null())
    levels = levels.group_by(keys or pl.lit(0).alias("_all")).agg(
        pl.len().alias("_n"), pl.col(column).mean().alias("_level")
    )
    partly = levels.filter(pl.col("_n") < len(base))
    if not partly.is_empty() and incomplete == "error":
        of = f"{partly[node][0]} has" if node is not None else "the series has"
        message = (
            f"base_periods: {of} an index in {partly['_n'][0]} of {len(base)} periods ({partly.height} such series);"
            " incomplete='available' takes the mean of those"
        )
        raise ValueError(message)
    level = (
        table.select(keys).join(levels, on=keys, how="left", maintain_order="left", nulls_equal=True)["_level"]
        if keys
        else pl.Series([levels["_level"][0] if levels.height else None] * table.height, dtype=pl.Float64)
    )
    scaled = [column, *(["link_index"] if column == "index" and "link_index" in table.columns else [])]
    result = table.with_columns((pl.col(name) / level * factor).alias(name) for name in scaled)
    if "reason" in table.columns:
        without = pl.lit(level).is_null() & pl.lit(table[column]).is_not_null()
        result = result.with_columns(
            reason=pl.when(without).then(pl.lit("no index in the base periods")).otherwise("reason")
        )
    return result


def link_series(
    earlier: pl.DataFrame | pl.LazyFrame,
    later: pl.DataFrame | pl.LazyFrame,
    overlap: Iterable[Any] | None = None,
    *,
    mean: str = "arithmetic",
    node: str | None = None,
    column: str = "index",
) -> pl.DataFrame:
    """Continue a series by a later one, scaled to it over the periods in which the two overlap.

    `earlier`, `later`: period, `column` (> 0), and `node` where there are several series. `overlap`: the periods over
    which the later series is scaled (all that the two have in common unless given); factor = mean of the earlier /
    mean of the later, `mean` "arithmetic" or "geometric". The earlier series holds to its last period, then the later
    one continues it.

    Returns node (if there is one), period, index, linked_from ("earlier", "later"), sorted by node and period. A node
    of one of the two frames only passes through unscaled. Raises ValueError where there is no overlap, or a series
    has no index in a period of it. Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004),
    chapter 9 (linking at an overlap).
    """
    refuse_unknown("mean", mean, MEANS)
    key = node or "_series"
    first, second = (
        checked_series(frame, node, column, name)
        .with_columns([] if node else [pl.lit(0).alias(key)])
        .select(key, "period", index=pl.col(column).cast(pl.Float64))
        for frame, name in ((earlier, "earlier"), (later, "later"))
    )
    for name in ("period", key):
        if first.schema[name] != second.schema[name]:
            message = f"later: column {name} is {second.schema[name]}, expected {first.schema[name]}, as in earlier"
            raise ValueError(message)
    refuse_unsorted(pl.concat([first["period"], second["period"]]), "earlier and later")
    both = _overlap(first, second, key, None if overlap is None else list(dict.fromkeys(overlap)))
    factor = pl.col("index").mean() / pl.col("index_later").mean()
    if mean == "geometric":
        factor = (pl.col("index").log().mean() - pl.col("index_later").log().mean()).exp()
    factors = both.group_by(key).agg(factor.alias("_factor"))
    last = first.filter(pl.col("index").is_not_null()).group_by(key).agg(pl.col("period").max().alias("_last"))
    ends = last.join(factors, on=key, how="left")
    stays = first.join(ends, on=key).filter(pl.col("period") <= pl.col("_last"))
    rows = second.join(ends, on=key, how="left").filter(
        pl.col("_last").is_null() | (pl.col("period") > pl.col("_last"))
    )
    continued = rows.with_columns(pl.col("index") * pl.col("_factor").fill_null(1.0))
    parts = [part.with_columns(linked_from=pl.lit(name)) for name, part in (("earlier", stays), ("later", continued))]
    linked = pl.concat(parts).select(*([key] if node else []), "period", "index", "linked_from")
    return linked.sort(*([key] if node else []), "period")


def _overlap(first: pl.DataFrame, second: pl.DataFrame, key: str, periods: list[Any] | None) -> pl.DataFrame:
    """Join the rows of the overlap of two series, and check that each series has an index in all of it."""
    both = first.join(second, on=[key, "period"], suffix="_later")
    if periods is not None:
        common = set(both["period"].to_list())
        lost = [period for period in periods if period not in common]
        if lost:
            message = f"overlap: {lost[0]} is not in both series; they have {len(common)} periods in common"
            raise ValueError(message)
        both = both.filter(pl.col("period").is_in(pl.Series(periods, dtype=first.schema["period"]).implode()))
        partly = both.group_by(key).len().filter(pl.col("len") < len(periods))
        if not partly.is_empty():
            message = f"overlap: {partly[key][0]} is in both series in {partly['len'][0]} of {len(periods)} periods"
            raise ValueError(message)
    if both.is_empty():
        message = "overlap: the series have no period in common"
        raise ValueError(message)
    lacking = {"no index in a period of the overlap": pl.any_horizontal(pl.col("index", "index_later").is_null())}
    refuse_rows("overlap", both.select("period", "index", "index_later"), lacking)
    return both


def unchain(
    chained: pl.DataFrame | pl.LazyFrame,
    links: Iterable[Any],
    *,
    value: float = 100.0,
    node: str | None = "node",
    column: str = "index",
) -> pl.DataFrame:
    """Split a chained series into its links, each on its link period = `value`.

    `chained`: period, `column`, and `node` where there are several series. `links`: the link periods, all of the
    table's; its first period is always one. Each link runs from its link period to the next one, both included.
    Returns node (if there is one), link, period, index (null where the index of the period or of the link period is):
    what `aggregate` takes as indices with a column `link`, and what `chain` joins again.

    Raises ValueError on a link that is no period of the table. Source: Eurostat (2024), HICP Methodological Manual,
    section 8 (unchaining of annually chained indices); ILO et al., Consumer Price Index Manual: Theory and Practice
    (2004), chapter 9.
    """
    keys = [node] if node is not None else []
    table = checked_series(chained, node, column, "chained").select(*keys, "period", index=pl.col(column))
    dtype = table.schema["period"]
    periods = table["period"].unique().sort().to_list()
    chosen = list(links)
    unknown = [link for link in chosen if link not in periods]
    if unknown:
        message = f"links: {unknown[0]} is no period of the table; it has {len(periods)}"
        raise ValueError(message)
    starts = [period for n, period in enumerate(periods) if n == 0 or period in chosen]
    scale = finite_number("value", value)
    parts = []
    for start, stop in zip(starts, [*starts[1:], periods[-1]], strict=True):
        if start == stop and len(starts) > 1:
            continue  # the last period is a link, which starts nothing
        of_link = pl.Series(periods[periods.index(start) : periods.index(stop) + 1], dtype=dtype)
        rows = table.filter(pl.col("period").is_in(of_link.implode()))
        base = rows.filter(pl.col("period") == pl.lit(start, dtype)).select(*keys, pl.col("index").alias("_base"))
        joined = rows.join(base, on=keys, how="left", nulls_equal=True) if keys else rows.join(base, how="cross")
        link = pl.Series("link", [start] * joined.height, dtype=dtype)
        parts.append(
            joined.with_columns(link).select(*keys, "link", "period", index=pl.col("index") / pl.col("_base") * scale)
        )
    return pl.concat(parts).sort(*keys, "link", "period")


def chain(
    unchained: pl.DataFrame | pl.LazyFrame, *, value: float = 100.0, node: str | None = "node", column: str = "index"
) -> pl.DataFrame:
    """Join links into a chained series, `value` in the first period: the inverse of `unchain`.

    `unchained`: link, period, `column` on any scale within a link, with a row for the link period itself, and `node`
    where there are several series. In a link period the level of the link before holds. Returns node (if there is
    one), period, index; null from a link on whose level is not known.

    Raises ValueError where the rows of a link lack its link period. Source: as `unchain`.
    """
    keys = [node] if node is not None else []
    frame = eager_frame(unchained, "unchained")
    refuse_missing_columns(frame, ("link", "period", column, *keys), "unchained")
    refuse_no_numbers(frame, [column], "unchained")
    refuse_no_keys(frame, ("period", *keys), "unchained")
    refuse_other_type(frame, "link", "period", "unchained")
    refuse_unsorted(frame["period"], "unchained")
    rows = frame.select(*keys, "link", "period", index=pl.col(column).cast(pl.Float64))
    refuse_rows(
        "unchained", rows, {"a key that occurs before": pl.struct(*keys, "link", "period").is_duplicated(),
        "an index that is not positive and finite": ~(pl.col("index").is_finite() & (pl.col("index") > 0))},
    )  # fmt: skip
    series = rows.partition_by(keys, include_key=True) if keys else [rows]
    return pl.concat([_joined(part, keys, finite_number("value", value)) for part in series]).sort(*keys, "period")


def _joined(rows: pl.DataFrame, keys: list[str], value: float) -> pl.DataFrame:
    """Chain the links of one series."""
    levels: dict[Any, float | None] = {}
    links = rows["link"].unique().sort().to_list()
    for n, link in enumerate(links):
        part = dict(
            rows.filter(pl.col("link") == pl.lit(link, rows.schema["link"]))
            .select("period", "index")
            .sort("period")
            .iter_rows()
        )
        if link not in part:
            message = f"unchained: link {link} has no row of its link period"
            raise ValueError(message)
        start = value if n == 0 else levels.get(link)
        base = part[link]
        for period, index in part.items():
            if period == link and n > 0:
                levels.setdefault(period, None)
                continue
            known = start is not None and base is not None and index is not None
            levels[period] = start * index / base if known else None
    table = pl.DataFrame(
        {
            "period": pl.Series(list(levels), dtype=rows.schema["period"]),
            "index": pl.Series(list(levels.values()), dtype=pl.Float64),
        }
    )
    named = [pl.lit(rows[key][0], dtype=rows.schema[key]).alias(key) for key in keys]
    return table.select(*named, "period", "index")


def checked_series(
    frame: pl.DataFrame | pl.LazyFrame,
    node: str | None,
    column: str,
    name: str,
    *,
    calendar: Sequence[Any] | pl.Series | None = None,
) -> pl.DataFrame:
    """Check the keys and values of index series: each period once per node, values positive and finite or null.

    Periods sort in time, unless a calendar gives their order.
    """
    table = eager_frame(frame, name)
    keys = ["period", *([node] if node is not None else [])]
    refuse_missing_columns(table, (*keys, column), name)
    refuse_no_numbers(table, [column], name)
    refuse_no_keys(table, keys, name)
    table = table.with_columns(pl.col(column).cast(pl.Float64))
    rows = table.select(*keys, column)
    value = pl.col(column)
    faults = {
        "a null in the period": pl.col("period").is_null(),
        "a period that occurs before": pl.struct(keys).is_duplicated(),
        f"a value of {column} that is not positive and finite": value.is_not_null() & not_positive(column),
    }
    refuse_rows(name, rows, faults)
    if calendar is None:
        refuse_unsorted(table["period"], name)
    else:
        given_calendar(table["period"].unique().to_list(), calendar, dtype=table.schema["period"], name=name)
    return table
