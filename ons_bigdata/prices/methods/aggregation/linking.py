"""Scales and links of index series: rebasing, linking two series at an overlap, chaining and unchaining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_rows,
    refuse_unknown,
    shown_value,
)
from ons_bigdata.prices.methods.panels.input_checks import (
    listed_values,
    not_positive,
    other_type,
    positive_number,
    refuse_other_type,
    refuse_repeated_names,
    refuse_unsortable,
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
    `link_index` of `aggregate` is scaled along, so that `contributions` add up afterwards, too. In a table of
    `aggregate` a node that is not in the tree in all base periods (it is new in a later link, or has left) is scaled
    as the nearest node above it, at whose level it started.
    `base_periods`: a list of periods, or one. `value`: above 0. `incomplete`: base periods that the table or a node
    lacks: "error"; "available": the mean of those there are. A node without any index in the base periods becomes
    null: with the `reason` of the table; where the table has no such column an error, or with "available" a new column
    `reason`.

    Raises ValueError where no base period is in the table, on an incomplete base, and on an index that is not positive
    and finite (null passes). Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9.
    """
    refuse_unknown("incomplete", incomplete, INCOMPLETE_BASES)
    factor = positive_number("value", value)
    table = checked_series(table, node, column, "table")
    scaled = [column, *(["link_index"] if column == "index" and "link_index" in table.columns else [])]
    for name in scaled[1:]:
        checked_series(table, node, name, "table")
    if table.schema.get("reason", pl.String) not in (pl.String, pl.Null):
        message = f"table: column reason is {table.schema['reason']}, expected String"
        raise ValueError(message)
    is_single = isinstance(base_periods, str) or not hasattr(base_periods, "__iter__")
    base = listed_values("base_periods", [base_periods] if is_single else base_periods, "periods")
    base = list(dict.fromkeys(base))
    periods = set(table["period"].to_list())
    lost = [period for period in base if period not in periods]
    if len(lost) == len(base):
        of_table = table["period"].min()
        differs = other_type(base[0], of_table) if base and of_table is not None else ""
        message = f"base_periods: none of {shown_value(base)} is in the table{differs}"
        raise ValueError(message)
    if lost and incomplete == "error":
        message = (
            f"base_periods: {len(lost)} of {len(base)} are not in the table; the first: {lost[0]};"
            " incomplete='available' takes the mean of the others"
        )
        raise ValueError(message)
    known = period_series("base_periods", [period for period in base if period in periods], table.schema["period"])
    in_base = pl.col("period").is_in(known.implode())
    keys = [node] if node is not None else []
    of_base = table.filter(in_base).group_by(keys or pl.lit(0).alias(_ALL))
    levels = of_base.agg(
        pl.len().alias(_ROWS), pl.col(column).count().alias(_KNOWN), pl.col(column).mean().alias(_LEVEL)
    )
    above = _parents(table, node) if column == "index" else {}
    if above:
        # Nodes of which some base periods are outside of the tree: their own mean would not be one of all periods.
        left_out = pl.col(_KNOWN) == pl.col(_ROWS)
        left_out &= pl.col(_ROWS) < (known.len() if incomplete == "error" else 1)
        levels = levels.filter(~left_out)
    partly = levels.filter(pl.col(_KNOWN).is_between(1, len(base) - 1)).sort(keys)
    if not partly.is_empty() and incomplete == "error":
        of = f"{partly[node][0]} has" if node is not None else "the series has"
        message = (
            f"base_periods: {of} an index in {partly[_KNOWN][0]} of {len(base)} periods ({partly.height} such series);"
            " incomplete='available' takes the mean of those"
        )
        raise ValueError(message)
    level_of = dict(levels.select(*(keys or [_ALL]), _LEVEL).iter_rows())
    series = table[node].to_list() if node is not None else [0] * table.height
    level = pl.Series([_level(name, level_of, above) for name in series], dtype=pl.Float64)
    result = table.with_columns((pl.col(name) / level * factor).alias(name) for name in scaled)
    without = level.is_null() & table[column].is_not_null()
    if "reason" not in table.columns:
        if not without.any():
            return result
        if incomplete == "error":
            lacking = table.filter(without).select(keys).unique(maintain_order=True)
            of = f"{lacking[node][0]} has" if node is not None else "the series has"
            message = (
                f"base_periods: {of} no index in them ({max(lacking.height, 1)} such series);"
                " incomplete='available' makes it null, with a reason"
            )
            raise ValueError(message)
        result = result.with_columns(reason=pl.lit(None, pl.String))
    return result.with_columns(reason=pl.when(without).then(pl.lit("no index in the base periods")).otherwise("reason"))


_ALL, _ROWS, _KNOWN, _LEVEL = "__all", "__rows", "__known", "__level"


def _parents(table: pl.DataFrame, node: str | None) -> dict[Any, Any]:
    """Parent of each node where it occurs first, of a table of `aggregate`; empty for other tables."""
    if node is None or not {"parent", "link_index"} <= set(table.columns) or node == "parent":
        return {}
    refuse_unsortable(table, ["parent"], "table")
    return dict(table.sort("period").group_by(node, maintain_order=True).agg(pl.col("parent").first()).iter_rows())


def _level(name: Any, level_of: dict[Any, float | None], above: dict[Any, Any]) -> float | None:  # noqa: ANN401
    """Level in the base periods of a node, or else of the nearest node above it that was in the tree then."""
    passed: set[Any] = set()
    while name not in level_of and name in above and name not in passed:
        passed.add(name)
        name = above[name]
    return level_of.get(name)


def period_series(option: str, periods: list[Any], dtype: pl.DataType) -> pl.Series:
    """Periods of an option as a column of the table's type. Raises ValueError on other types, as 1.0 for 1."""
    try:
        if dtype.is_numeric() and any(isinstance(period, bool) for period in periods):
            raise TypeError
        return pl.Series(periods, dtype=dtype)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        kinds = ", ".join(dict.fromkeys(type(period).__name__ for period in periods))
        message = f"{option}: found {periods} ({kinds}), expected periods of the table's type {dtype}"
        raise ValueError(message) from error


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
    of one of the two frames only passes through unscaled. Raises ValueError where a node of both has no overlap, or no
    index in a period of it. Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9
    (linking at an overlap).
    """
    refuse_unknown("mean", mean, MEANS)
    refuse_repeated_names({"node": node, "linked_from": "linked_from", "index": "index", "index_later": "index_later"})
    key = "__series" if node is None else node
    first, second = (
        checked_series(frame, node, column, name)
        .with_columns([] if node is not None else [pl.lit(0).alias(key)])
        .select(key, "period", index=pl.col(column).cast(pl.Float64))
        for frame, name in ((earlier, "earlier"), (later, "later"))
    )
    for name in ("period", key):
        if first.schema[name] != second.schema[name]:
            message = f"later: column {name} is {second.schema[name]}, expected {first.schema[name]}, as in earlier"
            raise ValueError(message)
    refuse_unsorted(pl.concat([first["period"], second["period"]]), "earlier and later")
    chosen = None if overlap is None else list(dict.fromkeys(listed_values("overlap", overlap, "periods")))
    both = _overlap(first, second, key, chosen)
    factor = pl.col("index").mean() / pl.col("index_later").mean()
    if mean == "geometric":
        factor = (pl.col("index").log().mean() - pl.col("index_later").log().mean()).exp()
    factors = both.group_by(key).agg(factor.alias("__factor"))
    last = first.filter(pl.col("index").is_not_null()).group_by(key).agg(pl.col("period").max().alias("__last"))
    ends = last.join(factors, on=key, how="left", nulls_equal=True)
    stays = first.join(ends, on=key, nulls_equal=True).filter(pl.col("period") <= pl.col("__last"))
    rows = second.join(ends, on=key, how="left", nulls_equal=True).filter(
        pl.col("__last").is_null() | (pl.col("period") > pl.col("__last"))
    )
    continued = rows.with_columns(pl.col("index") * pl.col("__factor").fill_null(1.0))
    parts = [part.with_columns(linked_from=pl.lit(name)) for name, part in (("earlier", stays), ("later", continued))]
    linked = pl.concat(parts).select(*([] if node is None else [key]), "period", "index", "linked_from")
    return linked.sort(*([] if node is None else [key]), "period")


def _overlap(first: pl.DataFrame, second: pl.DataFrame, key: str, periods: list[Any] | None) -> pl.DataFrame:
    """Join the rows of the overlap of two series, and check that each series has an index in all of it."""
    both = first.join(second, on=[key, "period"], suffix="_later", nulls_equal=True)
    if periods is not None:
        common = set(both["period"].to_list())
        lost = [period for period in periods if period not in common]
        if lost:
            differs = other_type(lost[0], next(iter(common))) if common else ""
            message = (
                f"overlap: {shown_value(lost[0])} is not in both series{differs}; they have {len(common)} periods in"
                " common"
            )
            raise ValueError(message)
        both = both.filter(pl.col("period").is_in(period_series("overlap", periods, first.schema["period"]).implode()))
        partly = both.group_by(key).len().filter(pl.col("len") < len(periods)).sort(key)
        if not partly.is_empty():
            message = f"overlap: {partly[key][0]} is in both series in {partly['len'][0]} of {len(periods)} periods"
            raise ValueError(message)
    if both.is_empty():
        message = "overlap: the series have no period in common"
        raise ValueError(message)
    in_both = first.select(key).unique().join(second.select(key).unique(), on=key, nulls_equal=True)
    apart = in_both.join(both, on=key, how="anti", nulls_equal=True).sort(key)
    if not apart.is_empty():
        message = f"overlap: {apart[key][0]} is in both series, but in no period of the overlap in both"
        raise ValueError(message)
    lacking = {"no index in a period of the overlap": pl.any_horizontal(pl.col("index", "index_later").is_null())}
    refuse_rows(both.select("period", "index", "index_later"), lacking, "overlap")
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
    table = checked_series(chained, node, column, "chained", taken=("link", "index"))
    table = table.select(*keys, "period", index=pl.col(column))
    dtype = table.schema["period"]
    periods = table["period"].unique().sort().to_list()
    chosen = listed_values("links", links, "periods")
    unknown = [link for link in chosen if link not in periods]
    if unknown:
        differs = other_type(unknown[0], periods[0]) if periods else ""
        message = f"links: {shown_value(unknown[0])} is no period of the table{differs}; it has {len(periods)}"
        raise ValueError(message)
    period_series("links", chosen, table.schema["period"])
    starts = [period for n, period in enumerate(periods) if n == 0 or period in chosen]
    scale = positive_number("value", value)
    if not periods:
        empty = table.with_columns(pl.col("period").alias("link"), pl.col("index").cast(pl.Float64))
        return empty.select(*keys, "link", "period", "index")
    parts = []
    for start, stop in zip(starts, [*starts[1:], periods[-1]], strict=True):
        if start == stop and len(starts) > 1:
            continue  # the last period is a link, which starts nothing
        of_link = pl.Series(periods[periods.index(start) : periods.index(stop) + 1], dtype=dtype)
        rows = table.filter(pl.col("period").is_in(of_link.implode()))
        base = rows.filter(pl.col("period") == pl.lit(start, dtype)).select(*keys, pl.col("index").alias("__base"))
        joined = rows.join(base, on=keys, how="left", nulls_equal=True) if keys else rows.join(base, how="cross")
        link = pl.Series("link", [start] * joined.height, dtype=dtype)
        parts.append(
            joined.with_columns(link).select(*keys, "link", "period", index=pl.col("index") / pl.col("__base") * scale)
        )
    return pl.concat(parts).sort(*keys, "link", "period")


def chain(
    unchained: pl.DataFrame | pl.LazyFrame, *, value: float = 100.0, node: str | None = "node", column: str = "index"
) -> pl.DataFrame:
    """Join links into a chained series, `value` in the first period: the inverse of `unchain`.

    `unchained`: link, period, `column` on any scale within a link, with a row for the link period itself, and `node`
    where there are several series. In a link period the level of the link before holds, after it that of the new link,
    also where the rows of the one before go on. Returns node (if there is one), period, index; null from a link on
    whose level is not known.

    Raises ValueError where the rows of a link lack its link period, or begin before it. Source: as `unchain`.
    """
    scale = positive_number("value", value)
    refuse_repeated_names({"period": "period", "link": "link", "node": node, "column": column})
    refuse_repeated_names({"index": "index", "node": node})
    _refuse_reserved(node)
    keys = [node] if node is not None else []
    frame = eager_frame(unchained, "unchained")
    refuse_missing_columns(frame, ("link", "period", column, *keys), "unchained")
    refuse_no_numbers(frame, [column], "unchained")
    refuse_unsortable(frame, ("period", *keys), "unchained")
    refuse_other_type(frame, "link", "period", "unchained")
    refuse_unsorted(frame["period"], "unchained")
    rows = frame.select(*keys, "link", "period", index=pl.col(column).cast(pl.Float64))
    refuse_rows(
        rows, {"a null in its key": pl.any_horizontal(pl.col("link", "period").is_null()),
        "a period before its link": pl.col("period") < pl.col("link"),
        "a key that occurs before": pl.struct(*keys, "link", "period").is_duplicated(),
        "an index that is not positive and finite": ~(pl.col("index").is_finite() & (pl.col("index") > 0))},
        "unchained",
    )  # fmt: skip
    if rows.is_empty():
        return rows.select(*keys, "period", "index")
    series = rows.partition_by(keys, include_key=True) if keys else [rows]
    return pl.concat([_joined(part, keys, scale) for part in series]).sort(*keys, "period")


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


def _refuse_reserved(node: str | None) -> None:
    """Refuse columns of nodes that may be called as columns of the computation."""
    if node is not None and node.startswith("__"):
        message = f"node: found {node!r}, expected a name that does not begin with two underscores"
        raise ValueError(message)


def checked_series(
    frame: pl.DataFrame | pl.LazyFrame,
    node: str | None,
    column: str,
    name: str,
    *,
    calendar: Sequence[Any] | pl.Series | None = None,
    taken: tuple[str, ...] = (),
) -> pl.DataFrame:
    """Check the keys and values of index series: each period once per node, values positive and finite or null.

    Periods sort in time, unless a calendar gives their order. `taken`: columns of the result, which the column of nodes
    cannot be called.
    """
    refuse_repeated_names({"node": node, "column": column, "period": "period"})
    refuse_repeated_names({name: name for name in taken} | {"node": node})
    _refuse_reserved(node)
    table = eager_frame(frame, name)
    keys = ["period", *([node] if node is not None else [])]
    refuse_missing_columns(table, (*keys, column), name)
    refuse_no_numbers(table, [column], name)
    refuse_unsortable(table, keys, name)
    table = table.with_columns(pl.col(column).cast(pl.Float64))
    rows = table.select(*keys, column)
    value = pl.col(column)
    faults = {
        "a null in the period": pl.col("period").is_null(),
        "a period that occurs before": pl.struct(keys).is_duplicated(),
        f"a value of {column} that is not positive and finite": value.is_not_null() & not_positive(column),
    }
    refuse_rows(rows, faults, name)
    if calendar is None:
        refuse_unsorted(table["period"], name)
    else:
        given_calendar(table["period"].unique().to_list(), calendar, dtype=table.schema["period"], name=name)
    return table
