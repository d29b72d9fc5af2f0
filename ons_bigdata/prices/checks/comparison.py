"""What must hold of the comparisons. Blocking: lost rows. Disagreement with the official figures never blocks."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.checks import rows_match_ledger, table_matches_frame
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.prices import schemas
from ons_bigdata.prices.sources import official_delivery, other_delivery

_LEAST_AGREEING = 0.99
"""Share of rebuilt item-months to the printed precision below which the rebuilding is in doubt."""

_LISTED = 20


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "rebuilt_item_indices"]),
    description="The office's item indices come out of its quotes by its method, to the printed precision.",
)
def official_indices_are_rebuilt(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where the office's method on its own quotes does not give its printed indices; passes without any."""
    rows = warehouse.open().frame(
        "select data_origin, item_number, month, index, published_index, difference, agrees"
        " from analysis.rebuilt_item_indices"
        " where prices_from = 'official_quotes' and formula = 'office' and agrees is not null"
        " order by abs(difference) desc"
    )
    share = 1.0 if rows.is_empty() else rows["agrees"].sum() / rows.height
    return dg.AssetCheckResult(
        passed=share >= _LEAST_AGREEING,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "item_months": rows.height,
            "share_agreeing": float(share),
            "examples": str(rows.filter(~pl.col("agrees")).head(5).to_dicts()),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["raw", "official_price_quotes"]),
    description="No row of any official file or other source's file is in quarantine. Each that is stands in ops.",
)
def no_other_rows_quarantined(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of rows that a reader could not accept, with file, line and reason."""
    sources = [kind.reader.source for kind in official_delivery.KINDS] + [other_delivery.SOURCE]
    rows = warehouse.open().frame(
        """
        select files.name, quarantine.line, quarantine.reason
        from ops.quarantine
        join ops.loads using (load_id)
        join ops.files using (file_id)
        where files.source = any ($1) and files.superseded_by is null
        order by files.name, quarantine.line
        """,
        [sources],
    )
    listed = [f"* {name}, line {line}: {reason}" for name, line, reason in rows.head(_LISTED).iter_rows()]
    return dg.AssetCheckResult(
        passed=rows.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": rows.height, "which": dg.MetadataValue.md("\n".join(listed) or "none")},
    )


CHECKS: list[dg.AssetChecksDefinition] = [
    *(
        rows_match_ledger(kind.table.name, kind.reader, partition_column=kind.table.partition_column)
        for kind in official_delivery.KINDS
    ),
    rows_match_ledger("raw.other_price_quotes", other_delivery.READER, partition_column="collected_on"),
    no_other_rows_quarantined,
    table_matches_frame("raw.official_item_indices", schemas.OfficialItemIndex),
    table_matches_frame("raw.official_price_quotes", schemas.OfficialPriceQuote),
    table_matches_frame("raw.official_series", schemas.OfficialSeriesValue),
    table_matches_frame("raw.other_price_quotes", schemas.OtherPriceQuote),
    table_matches_frame("analysis.rebuilt_item_indices", schemas.RebuiltItemIndex),
    official_indices_are_rebuilt,
    table_matches_frame("analysis.price_comparisons", schemas.PriceComparison),
    table_matches_frame("analysis.compared_price_levels", schemas.ComparedPriceLevel),
    table_matches_frame("analysis.collection_frequencies", schemas.CollectionFrequency),
    table_matches_frame("analysis.source_matches", schemas.SourceMatch),
    table_matches_frame("analysis.source_agreement", schemas.SourceAgreement),
]
