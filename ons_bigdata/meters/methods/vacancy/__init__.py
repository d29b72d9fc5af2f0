"""Vacant and second homes by quarter: the rule of the national indicator, detection with onset, stock and flow."""

from ons_bigdata.meters.methods.vacancy.detection import detect_vacancy
from ons_bigdata.meters.methods.vacancy.flow import stock_and_flow
from ons_bigdata.meters.methods.vacancy.low_consumption import low_consumption_rule
from ons_bigdata.meters.methods.vacancy.quarter_chain import estimate_flows

__all__ = ["detect_vacancy", "estimate_flows", "low_consumption_rule", "stock_and_flow"]
