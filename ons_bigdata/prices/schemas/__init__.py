"""Frames of the prices pilot: columns, types, units and bounds of the rows of readers, methods and tables.

`ons-bigdata doctor` and the tests compare the tables of the warehouse with them.
"""

from ons_bigdata.prices.schemas.comparison import (
    CollectionFrequency,
    CollectionMovement,
    ComparedPriceIndex,
    PriceComparison,
    RebuiltItemIndex,
    SourceAgreement,
    SourceMatch,
)
from ons_bigdata.prices.schemas.indices import (
    AggregateIndex,
    ElementaryIndex,
    FigureRevision,
    IndexDiagnostics,
    IndexDirection,
    IndexDirectionMonth,
    IndexMovement,
    IndexState,
    PriceChangeBounds,
    ProductPeriodPrice,
    RevisionEvent,
    SettledFigure,
)
from ons_bigdata.prices.schemas.official import (
    OfficialItemIndex,
    OfficialPriceQuote,
    OfficialSeriesValue,
    OtherPriceQuote,
)
from ons_bigdata.prices.schemas.quotes import AcceptedQuote, PriceQuote
from ons_bigdata.prices.schemas.vocabulary import HEX_ID, HIGHEST_PRICE_GBP, IDENTIFIER

__all__ = [
    "HEX_ID",
    "HIGHEST_PRICE_GBP",
    "IDENTIFIER",
    "AcceptedQuote",
    "AggregateIndex",
    "CollectionFrequency",
    "CollectionMovement",
    "ComparedPriceIndex",
    "ElementaryIndex",
    "FigureRevision",
    "IndexDiagnostics",
    "IndexDirection",
    "IndexDirectionMonth",
    "IndexMovement",
    "IndexState",
    "OfficialItemIndex",
    "OfficialPriceQuote",
    "OfficialSeriesValue",
    "OtherPriceQuote",
    "PriceChangeBounds",
    "PriceComparison",
    "PriceQuote",
    "ProductPeriodPrice",
    "RebuiltItemIndex",
    "RevisionEvent",
    "SettledFigure",
    "SourceAgreement",
    "SourceMatch",
]
