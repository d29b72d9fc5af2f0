"""The sampling floor: how well a perfect sample of persons agrees with the table from which it was drawn."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Literal

import numpy as np
import polars as pl

from ons_bigdata.estimation.flow_metrics import METRICS, metric_values
from ons_bigdata.estimation.flow_pairs import aligned_pairs
from ons_bigdata.estimation.input_checks import refuse_unknown
from ons_bigdata.estimation.schemas import FloorMetric

Frame = pl.DataFrame | pl.LazyFrame
Pairs = Literal["support", "all"]
EDGES_KM = (2.0, 5.0, 10.0, 20.0, 40.0)


def sampling_floor(
    reference: Frame,
    size: float,
    *,
    distances: Frame | None = None,
    pairs: Pairs = "support",
    draws: int = 100,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Metrics of agreement of perfect samples with their own table, each scaled to its total.

    `reference`: origin, destination, flow. `size`: persons in a sample (of an estimate: its total before any
    weighting). `distances` and `pairs` as for `estimation.flows.compare_flows`. No estimate from so few persons can be
    expected to agree better, however it is weighted, unless it borrows strength.

    A sample draws `size` persons with replacement, each pair with its share of the flows (multinomial, seeded).

    Returns `FloorMetric` rows: metric, mean over the samples, ends of the central range at level `confidence`. Raises
    ValueError on faulty frames, a table without flow, a size below 1 and fewer than 20 draws.
    """
    refuse_unknown("pairs", pairs, ("support", "all"))
    if draws < 20:
        message = f"draws is {draws}; expected at least 20"
        raise ValueError(message)
    if not (isfinite(size) and size >= 1):
        message = f"size is {size}; expected at least 1 person"
        raise ValueError(message)
    aligned = aligned_pairs(reference, reference, distances, all_pairs=pairs == "all", drop_suppressed=False)
    total = float(aligned.reference.sum())
    if total <= 0:
        message = "reference has no flow to draw from"
        raise ValueError(message)
    random = np.random.default_rng(seed)
    table: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(draws):
        counts = random.multinomial(round(size), aligned.reference / total).astype(np.float64)
        values = metric_values(replace(aligned, estimate=counts), total / float(counts.sum()), EDGES_KM)
        for name, drawn in table.items():
            drawn.append(values.get(name, float("nan")))
    tail = (1 - confidence) / 2
    rows = []
    for name, drawn in table.items():
        defined = np.array(drawn)[np.isfinite(drawn)]
        ends = np.quantile(defined, [tail, 1 - tail]).tolist() if len(defined) else [None, None]
        rows.append((name, float(defined.mean()) if len(defined) else None, *ends))
    schema = {"metric": pl.String, "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
    return FloorMetric.validate(pl.DataFrame(rows, schema=schema, orient="row"), cast=True)
