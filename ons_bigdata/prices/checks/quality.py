"""Checks of the quality assurance. They warn of findings and of open decisions, and never block an index."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.checks import expect_no_rows, expected_period_present

_LAST_DAYS_COLLECTED = (
    "select data_origin, max(collected_on) from intermediate.int_prices__collection_days_classified"
    " group by data_origin"
)

LAST_DAY_WITHOUT_FINDINGS = expect_no_rows(
    "marts.price_quality_findings",
    "last_day_without_findings",
    description="The last day of each origin has no finding of severity error or warn. The report gives advice.",
    query=f"""
        select data_origin, collected_on, retailer, severity, kind, count(*)::int as findings
        from marts.price_quality_findings
        where severity in ('error', 'warn') and (data_origin, collected_on) in ({_LAST_DAYS_COLLECTED})
        group by data_origin, collected_on, retailer, severity, kind
        order by data_origin, severity, retailer, kind
    """,  # noqa: S608  (our own query)
    line="{collected_on} {retailer}: {findings} × {kind} ({severity})",
    by=("severity", pl.col("findings").sum()),
    partition="collected_on",
)

NO_DECISION_WAITS = expect_no_rows(
    "intermediate.int_prices__decisions_judged",
    "no_decision_waits",
    description="No analyst's decision waits for its second signature; until then it has no effect.",
    query="select decision_id, version, decision, retailer, decided_by, reason"
    " from intermediate.int_prices__decisions_judged where state = 'waiting' order by decision_id",
    line="{decision_id} (version {version}): {decision} at {retailer}, by {decided_by}: {reason}",
)

CHECKS: list[dg.AssetChecksDefinition] = [
    expected_period_present(
        "analysis.price_quality_report", column="collected_on", expected=_LAST_DAYS_COLLECTED, by="data_origin"
    ),
    LAST_DAY_WITHOUT_FINDINGS,
    NO_DECISION_WAITS,
]
