"""What must hold of the quality assurance. Warnings are the findings themselves: they never block an index."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.checks import expected_period_present, table_matches_frame
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.prices.schemas.quality import PriceQualityReport, QuoteOutlier

_LISTED = 40

_LAST_DAYS_COLLECTED = "select data_origin, max(collected_on) from marts.price_collection_days group by data_origin"


@dg.asset_check(
    asset=dg.AssetKey(["marts", "price_quality_findings"]),
    description="The last day of each origin has no finding of severity error or warn; the report says what to do.",
)
def last_day_without_findings(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of what was found on the last day of each origin, by retailer and kind."""
    found = warehouse.open().frame(
        """
        select data_origin, collected_on, retailer, severity, kind, count(*)::int as findings
        from marts.price_quality_findings
        where severity in ('error', 'warn') and (data_origin, collected_on) in (
            select data_origin, max(collected_on) from marts.price_collection_days group by data_origin
        )
        group by data_origin, collected_on, retailer, severity, kind
        order by data_origin, severity, retailer, kind
        """
    )
    listed = [
        f"{day} {retailer}: {findings} × {kind} ({severity})"
        for _, day, retailer, severity, kind, findings in found.head(_LISTED).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=found.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "findings": int(found["findings"].sum()),
            "which": dg.MetadataValue.md("\n".join(f"* {line}" for line in listed) or "none"),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["intermediate", "int_prices__decisions_judged"]),
    description="No analyst's decision waits for a second signature; those that do have no effect.",
)
def no_decision_waits(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of decisions to drop or correct that only one person signed."""
    waiting = warehouse.open().frame(
        "select decision_id, version, decision, retailer, decided_by, reason"
        " from intermediate.int_prices__decisions_judged where state = 'waiting' order by decision_id"
    )
    listed = [
        f"{name} (version {version}): {decision} at {retailer}, by {person}: {reason}"
        for name, version, decision, retailer, person, reason in waiting.head(_LISTED).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=waiting.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "waiting": waiting.height,
            "which": dg.MetadataValue.md("\n".join(f"* {line}" for line in listed) or "none"),
        },
    )


CHECKS = [
    table_matches_frame("analysis.quote_outliers", QuoteOutlier),
    table_matches_frame("analysis.price_quality_report", PriceQualityReport),
    expected_period_present(
        "analysis.price_quality_report", column="collected_on", expected=_LAST_DAYS_COLLECTED, by="data_origin"
    ),
    last_day_without_findings,
    no_decision_waits,
]
