"""Vacancy as stock and flow by quarter and area: homes that become vacant or are occupied again, and how long."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_repeated


def stock_and_flow(vacant_quarters: pl.DataFrame, areas: pl.DataFrame | None = None) -> pl.DataFrame:
    """Stock of vacant homes and its flows by quarter, and by area if areas are given.

    `vacant_quarters`: meter, quarter, vacant, onset, as `detect_vacancy` returns them. A meter whose quarter is not
    judged, or is missing between two others, keeps its last judgement; before its first judgement it is not in the
    panel, nor after its last quarter. `areas`: meter, area.

    Returns area (without areas: null), quarter, homes (judged or carried), carried, stock, into (occupied → vacant),
    out (vacant → occupied), appeared (homes that are vacant when they come into the panel, or are judged so later but
    were vacant on all days of the quarter before: they were missed there, and are no flow), disappeared (that were
    vacant when they left it), new_days (median days since the onset of homes in `into`), median_days (the same of
    the stock, at the end of the quarter), share_two_years (of the stock, vacant for 730 days or more), sorted. For each
    area, always: stock = stock of the quarter before + into - out + appeared - disappeared.

    Raises ValueError on a missing column, a quarter that comes twice, or a meter without area.
    """
    refuse_missing_columns(vacant_quarters, ["meter", "quarter", "vacant", "onset"], "vacant_quarters")
    refuse_repeated(vacant_quarters, ["meter", "quarter"], "vacant_quarters")
    panel = _panel(vacant_quarters)
    if areas is None:
        panel = panel.with_columns(area=pl.lit(None, pl.String))
    else:
        refuse_missing_columns(areas, ["meter", "area"], "areas")
        refuse_repeated(areas, ["meter"], "areas")
        panel = panel.join(areas.select("meter", "area"), on="meter", how="left")
        without = panel.filter(pl.col("area").is_null())
        if without.height:
            message = f"areas: meter {without['meter'][0]} has no area, expected one for each meter"
            raise ValueError(message)
    before, now, after = pl.col("before"), pl.col("state"), pl.col("is_last")
    end = pl.col("quarter").dt.offset_by("1q")
    is_late = pl.col("onset").is_not_null() & (pl.col("onset") <= pl.col("known_from"))
    enters, appears = now & ~before & ~is_late, now & (before.is_null() | (~before & is_late))
    days = pl.when(now).then((end - pl.col("onset")).dt.total_days())
    counts = panel.group_by("area", "quarter").agg(
        homes=pl.len(),
        carried=pl.col("is_carried").sum(),
        stock=now.sum(),
        into=enters.sum(),
        out=(~now & before).sum(),
        appeared=appears.sum(),
        new_days=days.filter(enters).median(),
        median_days=days.median(),
        share_two_years=(days.filter(now) >= 730).mean(),
    )
    gone = (
        panel.filter(now & after)
        .group_by("area", quarter=end)
        .agg(disappeared=pl.len())
        .filter(pl.col("quarter") <= pl.lit(panel["quarter"].max(), pl.Date))
    )
    integers = pl.col("homes", "carried", "stock", "into", "out", "appeared", "disappeared").cast(pl.Int64)
    return (
        counts.join(gone, on=["area", "quarter"], how="full", coalesce=True, nulls_equal=True)
        .with_columns(pl.col("homes", "carried", "stock", "into", "out", "appeared", "disappeared").fill_null(0))
        .with_columns(integers)
        .select(
            *("area", "quarter", "homes", "carried", "stock", "into", "out", "appeared", "disappeared"),
            *("new_days", "median_days", "share_two_years"),
        )
        .sort("area", "quarter")
    )


def _panel(vacant_quarters: pl.DataFrame) -> pl.DataFrame:
    """One row per meter and quarter from its first judgement to its last quarter, with the state and that before."""
    span = vacant_quarters.group_by("meter").agg(
        first=pl.col("quarter").filter(pl.col("vacant").is_not_null()).min(), last=pl.col("quarter").max()
    )
    return (
        span.filter(pl.col("first").is_not_null())
        .with_columns(quarter=pl.date_ranges("first", "last", "1q"))
        .explode("quarter", empty_as_null=True, keep_nulls=True)
        .join(vacant_quarters.select("meter", "quarter", "vacant", "onset"), on=["meter", "quarter"], how="left")
        .sort("meter", "quarter")
        .with_columns(is_carried=pl.col("vacant").is_null())
        .with_columns(
            state=pl.col("vacant").forward_fill().over("meter"),
            onset=pl.when(pl.col("is_carried")).then(pl.col("onset").forward_fill().over("meter")).otherwise("onset"),
        )
        .with_columns(
            before=pl.col("state").shift().over("meter"),
            # Onsets are sought from the beginning of the quarter before, or from the meter's first day.
            known_from=pl.col("quarter").dt.offset_by("-1q"),
            is_last=pl.col("quarter") == pl.col("last"),
        )
    )
