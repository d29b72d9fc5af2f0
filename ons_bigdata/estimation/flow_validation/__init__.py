"""Validation of flows beyond pairs: signed bias by class, five levels, spatial residuals, the sampling floor."""
