"""Revisions of published figures: when a figure is settled, and by which events it may change then."""

from ons_bigdata.prices.methods.revisions.settled_figures import SettledFigures, last_days_of_periods, settle_figures

__all__ = ["SettledFigures", "last_days_of_periods", "settle_figures"]
