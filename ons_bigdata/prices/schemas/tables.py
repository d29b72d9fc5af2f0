"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.prices import schemas
from ons_bigdata.prices.schemas import quality, scraping
from ons_bigdata.prices.schemas import scope as product_scope
from ons_bigdata.prices.sources import SOURCES

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    "raw.scrape_runs": scraping.ScrapeRun,
    "raw.scrape_categories": scraping.ScrapeCategory,
    **{source.table.name: source.table.frame for source in loadable(SOURCES)},
    "analysis.product_descriptions": product_scope.ProductDescription,
    "analysis.product_scope": product_scope.ProductScope,
    "analysis.scope_model": product_scope.ScopeModelRecord,
    "analysis.scope_evaluation": product_scope.ScopeMetric,
    "analysis.scope_index_impact": product_scope.ScopeIndexImpact,
    "analysis.price_changes": quality.PriceChange,
    "analysis.quote_outliers": quality.QuoteOutlier,
    "analysis.replaced_packs": quality.ReplacedPack,
    "analysis.shrinking_packs": quality.QuoteOutlier,
    "analysis.product_renames": quality.ProductRename,
    "analysis.short_run_items": quality.ShortRunItem,
    "analysis.price_quality_report": quality.PriceQualityReport,
    "analysis.elementary_price_indices": schemas.ElementaryIndex,
    "analysis.price_change_bounds": schemas.PriceChangeBounds,
    "analysis.index_direction_months": schemas.IndexDirectionMonth,
    "analysis.elementary_index_directions": schemas.IndexDirection,
    "analysis.aggregate_price_indices": schemas.AggregateIndex,
    "analysis.price_index_diagnostics": schemas.IndexDiagnostics,
    "analysis.price_index_movements": schemas.IndexMovement,
    "analysis.product_period_prices": schemas.ProductPeriodPrice,
    "analysis.price_index_states": schemas.IndexState,
    "analysis.price_index_error_states": schemas.IndexState,
    "analysis.unit_price_index_states": schemas.IndexState,
    "analysis.unit_price_index_error_states": schemas.IndexState,
    "analysis.weekly_index_states": schemas.IndexState,
    "analysis.weekly_index_error_states": schemas.IndexState,
    "analysis.settled_figures": schemas.SettledFigure,
    "analysis.figure_revisions": schemas.FigureRevision,
    "analysis.revision_events": schemas.RevisionEvent,
    "analysis.rebuilt_item_indices": schemas.RebuiltItemIndex,
    "analysis.price_comparisons": schemas.PriceComparison,
    "analysis.compared_price_indices": schemas.ComparedPriceIndex,
    "analysis.collection_movements": schemas.CollectionMovement,
    "analysis.collection_frequencies": schemas.CollectionFrequency,
    "analysis.source_matches": schemas.SourceMatch,
    "analysis.source_agreement": schemas.SourceAgreement,
}
"""Frame by `schema.table`."""
