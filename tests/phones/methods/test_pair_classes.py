"""Classes of pairs: by hand, use in the signed bias, errors."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.phones.methods.pair_classes import pair_classes

PAIRS = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["a", "b", "a"]})
DISTANCES = PAIRS.with_columns(distance_km=pl.Series([0.0, 2.0, 55.0]))
AREAS = pl.DataFrame({"area": ["a", "b"], "rurality": ["urban", "rural"], "authority": ["x", "x"]})
MASTS = pl.DataFrame({"area": ["a", "b"], "mean_radius_km": [0.4, 3.0]})
DELIVERY = PAIRS.with_columns(status=pl.Series(["suppressed", "observed", None]))


def test_each_class_by_hand() -> None:
    classes = pair_classes(PAIRS, distances=DISTANCES, areas=AREAS, masts=MASTS, delivery=DELIVERY)
    assert classes["kind"].to_list() == ["within", "between", "between"]
    assert classes["distance_band"].to_list() == ["a: 0-2 km", "b: 2-5 km", "f: 40 km and more"]
    assert classes["rurality"].to_list() == ["urban", "urban", "rural"]
    assert classes["mast_reach"].to_list() == ["a: 0-0.5 km", "a: 0-0.5 km", "d: 2 km and more"]
    assert classes["suppressed_share"].to_list() == ["c: 30-60 %", "c: 30-60 %", "a: 0-10 %"]
    flows = PAIRS.with_columns(flow=pl.lit(5.0))
    table = signed_bias(flows, flows, classes, draws=0)
    assert table["classification"].unique(maintain_order=True).to_list() == classes.columns[2:]
    assert table["log_bias"].to_list() == pytest.approx([0.0] * table.height)


def test_bad_tables_are_refused() -> None:
    for tables, message in (
        ({"distances": DISTANCES.head(2)}, "pairs: 1 with no distance_km in distances; the first: origin b"),
        ({"distances": DISTANCES.with_columns(distance_km=pl.lit(-1.0))}, "distances: 3 with no distance_km, or a neg"),
        ({"areas": AREAS.head(1)}, "pairs: 1 with no rurality in areas"),
        ({"masts": MASTS.with_columns(area=pl.int_range(2))}, "masts: keys are Int64; in pairs origin is String"),
        ({"delivery": DELIVERY.drop("status")}, "delivery: column status is missing"),
        ({"distances": DISTANCES, "bands_km": (5.0, 2.0)}, "ends of classes are .5.0, 2.0."),
    ):
        with pytest.raises(ValueError, match=message):
            pair_classes(PAIRS, **tables)  # type: ignore[arg-type]
