"""Price panels (periods × products), their calendar, imputation, product definition, checks of input frames."""

from ons_bigdata.prices.methods.panels.imputation import impute_prices
from ons_bigdata.prices.methods.panels.period_calendar import months_of, period_calendar
from ons_bigdata.prices.methods.panels.price_panel import PricePanel, price_panel
from ons_bigdata.prices.methods.panels.product_definition import product_definition_scores

__all__ = [
    "PricePanel",
    "impute_prices",
    "months_of",
    "period_calendar",
    "price_panel",
    "product_definition_scores",
]
