"""Product scope: whether a listed product belongs to its item. Parsing of names, the model and its predictions.

Definite rules are SQL (`int_prices__product_scope_ruled`). Each step is a module of this package.
"""

from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.methods.scope.model import ScopeModel, ScopeParameters, fit, predict

__all__ = ["ScopeModel", "ScopeParameters", "describe", "fit", "predict"]
