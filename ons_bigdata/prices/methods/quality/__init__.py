"""Quality of collected prices: outliers, short runs, renames, shrinking packs, filters of scanner data."""

from ons_bigdata.prices.methods.quality.filters import combined, dump_filter, low_sales_filter, relative_filter
from ons_bigdata.prices.methods.quality.outliers import hidiroglou_berthelot, is_outlier, outlier_bounds
from ons_bigdata.prices.methods.quality.price_outliers import PriceOutlierParameters, price_outliers
from ons_bigdata.prices.methods.quality.renames import product_renames
from ons_bigdata.prices.methods.quality.short_runs import short_runs
from ons_bigdata.prices.methods.quality.shrinking_packs import shrinking_packs

__all__ = [
    "PriceOutlierParameters",
    "combined",
    "dump_filter",
    "hidiroglou_berthelot",
    "is_outlier",
    "low_sales_filter",
    "outlier_bounds",
    "price_outliers",
    "product_renames",
    "relative_filter",
    "short_runs",
    "shrinking_packs",
]
