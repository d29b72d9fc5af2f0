"""Product scope: whether a product of a shelf is what its item means. Names described, a model fitted and asked.

Definite rules are SQL (`int_prices__product_scope_ruled`). The steps are in the modules of this package.
"""

from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.methods.scope.model import ScopeModel, ScopeParameters, fit, predict

__all__ = ["ScopeModel", "ScopeParameters", "describe", "fit", "predict"]
