"""Comparison of flows: published values, independent calculations, bounds, resamples, errors."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import kendalltau, pearsonr, spearmanr

from ons_bigdata.estimation.flow_bootstrap import metric_draws
from ons_bigdata.estimation.flow_pairs import aligned_pairs
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.raking import rake
from ons_bigdata.settings import Settings

EDGES = (2.0, 5.0, 10.0, 20.0, 40.0)


def phones(kind: str) -> Path:
    folder = Settings().shared / kind / "phones"
    if not folder.is_dir():
        pytest.skip(f"no {kind} of the phones pilot at {folder} (set ONS_BIGDATA_SHARED)")
    return folder


def flows_of(matrix: object, **columns: object) -> pl.DataFrame:
    values = np.asarray(matrix, dtype=float)
    rows, places = np.indices(values.shape)
    frame = pl.DataFrame({"origin": rows.ravel(), "destination": places.ravel(), "flow": values.ravel()})
    return frame.with_columns(**columns)  # type: ignore[arg-type]


def values_of(table: pl.DataFrame) -> dict[str, float]:
    return dict(zip(table["metric"], table["value"], strict=True))


def row_of(table: pl.DataFrame, metric: str) -> dict[str, object]:
    return table.row(by_predicate=pl.col("metric") == metric, named=True)


# Published values


def test_values_of_scikit_mobility() -> None:
    golden = json.loads((phones("golden") / "skmob_golden.json").read_text(encoding="utf-8"))["metrics"]
    assert len(golden) == 3
    for case in golden.values():
        ours = values_of(compare_flows(flows_of([case["pred"]]), flows_of([case["truth"]]), scale="none", draws=0))
        assert ours["cpc"] == pytest.approx(case["cpc"], abs=1e-12)
        assert ours["rmse"] == pytest.approx(case["rmse"], abs=1e-12)
        assert ours["r_squared"] == pytest.approx(case["r2"], abs=1e-12)


def leeds() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Flows between the MSOAs of Leeds in 2011, and all distances between centroids in km (sphere of 6,371 km)."""
    folder = phones("data")
    flows = pl.read_csv(folder / "leeds_msoa_od_2011.csv").select(origin="O", destination="D", flow="all")
    zones = pl.read_csv(folder / "leeds_msoa_zones.csv").select(pl.col("geo_code"), pl.col("lon", "lat").radians())
    pairs = zones.join(zones, how="cross", suffix="_d").filter(pl.col("geo_code") != pl.col("geo_code_d"))
    half = ((pl.col("lat_d") - pl.col("lat")) / 2).sin() ** 2 + pl.col("lat").cos() * pl.col("lat_d").cos() * (
        (pl.col("lon_d") - pl.col("lon")) / 2
    ).sin() ** 2
    distances = pairs.select(origin="geo_code", destination="geo_code_d", distance_km=2 * 6371.0 * half.sqrt().arcsin())
    return flows.filter(pl.col("origin") != pl.col("destination")), distances


@pytest.mark.parametrize(
    ("deterrence", "parameter", "row"),
    [("power", 1.0, 0), ("power", 1.5, 1), ("power", 2.0, 2), ("exponential", 0.2, 3)],
)
def test_gravity_models_of_leeds(deterrence: str, parameter: float, row: int) -> None:
    """A singly constrained gravity model of the published table, made here, and its published agreement."""
    flows, distances = leeds()
    inflow = flows.group_by("destination").agg(inflow=pl.col("flow").sum())
    outflow = flows.group_by("origin").agg(outflow=pl.col("flow").sum())
    d = pl.col("distance_km")
    model = (
        distances.join(inflow, on="destination")
        .join(outflow, on="origin")
        .with_columns(weight=pl.col("inflow") * (d**-parameter if deterrence == "power" else (-parameter * d).exp()))
        .with_columns(flow=pl.col("outflow") * pl.col("weight") / pl.col("weight").sum().over("origin"))
    )
    published = pl.read_csv(phones("golden") / "leeds_reference_models_skmob.csv").row(row, named=True)
    for pairs in ("support", "all"):
        ours = values_of(compare_flows(model, flows, distances=distances, pairs=pairs, draws=0))  # type: ignore[arg-type]
        assert ours["pairs"] == published["pairs"]
        assert ours["cpc"] == pytest.approx(published["cpc"], abs=2e-5)
        assert ours["r_squared"] == pytest.approx(published["r2"], abs=1e-4)
        assert ours["pearson"] == pytest.approx(published["pearson"], abs=1e-4)
        assert ours["rmse"] == pytest.approx(published["rmse"], abs=0.01)


def test_trip_length_of_leeds() -> None:
    flows, distances = leeds()
    apart = flows.join(distances, on=["origin", "destination"])
    assert apart["flow"].sum() == 216_089
    assert (apart["flow"] * apart["distance_km"]).sum() / 216_089 == pytest.approx(5.751, abs=6e-4)
    same = values_of(compare_flows(flows, flows, distances=distances, draws=0))
    assert same["trip_length_ratio"] == pytest.approx(1)


def test_districts_of_three_censuses() -> None:
    path = phones("data") / "ew_lad20x_commuting_1991_2001_2011.csv.gz"
    with gzip.open(path) as file:
        rows = pl.read_csv(file.read()).filter(pl.col("o") != pl.col("d"), pl.col("commuters") > 0)
    flows = {
        year: rows.filter(pl.col("year") == year).select(origin="o", destination="d", flow="commuters")
        for year in (1991, 2001, 2011)
    }
    for old, new, scaled, raked, r_squared in [
        (1991, 2001, 0.880, 0.910, 0.989),
        (2001, 2011, 0.917, 0.943, 0.995),
        (1991, 2011, 0.839, 0.886, 0.975),
    ]:
        origins, destinations = (
            flows[new].group_by(side).agg(total=pl.col("flow").sum()) for side in ("origin", "destination")
        )
        assert values_of(compare_flows(flows[old], flows[new], draws=0))["cpc"] == pytest.approx(scaled, abs=6e-4)
        adjusted = rake(flows[old], origins, destinations).select("origin", "destination", flow="flow_adjusted")
        ours = values_of(compare_flows(adjusted, flows[new], pairs="all", draws=0))
        assert ours["cpc"] == pytest.approx(raked, abs=6e-4)
        assert ours["r_squared"] == pytest.approx(r_squared, abs=6e-4)


# Independent calculations


def random_pair(seed: int, shape: tuple[int, int] = (6, 7)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    reference = random.poisson(random.gamma(0.5, 40, shape)).astype(float)
    return np.round(reference * random.gamma(4, 0.25, shape), 1) + random.poisson(0.3, shape), reference


@given(st.integers(0, 100_000), st.sampled_from(["total", "none"]))
@settings(max_examples=40)
def test_metrics_equal_textbook_formulas_on_dense_tables(seed: int, scale: str) -> None:
    x, c = random_pair(seed)
    random = np.random.default_rng(seed + 1)
    distance = random.uniform(0, 50, x.shape)
    sparse = flows_of(x).filter(pl.col("flow") > 0), flows_of(c).filter(pl.col("flow") > 0)
    frame = flows_of(distance).rename({"flow": "distance_km"})
    x[0, 0] = c[0, 0] = 5.0  # each of the rest may be missing in the sparse tables
    sparse = tuple(flows_of(one).filter(pl.col("flow") > 0) for one in (x, c))
    rows, columns = (x + c).sum(1) > 0, (x + c).sum(0) > 0
    x, c, distance = (one[rows][:, columns].ravel() for one in (x, c, distance))
    ours = values_of(compare_flows(*sparse, distances=frame, scale=scale, pairs="all", draws=0))  # type: ignore[arg-type]
    y = x * (c.sum() / x.sum()) if scale == "total" else x
    some, large = y + c > 0, c >= 25
    edges = np.arange(0, 52, 2)
    by_class = [np.histogram(distance, edges, weights=one)[0] for one in (y, c)]
    expected = {
        "cpc": 2 * np.minimum(y, c).sum() / (y.sum() + c.sum()),
        "cpc_links": 2 * ((y > 0) & (c > 0)).sum() / ((y > 0).sum() + (c > 0).sum()),
        "cpc_distance": 2 * np.minimum(*by_class).sum() / (y.sum() + c.sum()),
        "ssi": (2 * np.minimum(y, c)[some] / (y + c)[some]).mean(),
        "spearman": spearmanr(y, c).statistic,
        "pearson": pearsonr(y, c).statistic,
        "r_squared": 1 - ((y - c) ** 2).sum() / ((c - c.mean()) ** 2).sum(),
        "slope": (y @ c) / (c @ c),
        "rmse": np.sqrt(((y - c) ** 2).mean()),
        "log_rmse": np.sqrt(((np.log1p(y) - np.log1p(c)) ** 2).mean()),
        "geh_below_5": (np.sqrt(2 * (y - c)[some] ** 2 / (y + c)[some]) < 5).mean(),
        "jensen_shannon": jensenshannon(y, c) ** 2,
        "trip_length_ratio": np.average(distance, weights=y) / np.average(distance, weights=c),
        "pairs": len(y),
    }
    if large.any():
        expected["mape"] = (np.abs(y - c) / np.where(large, c, 1))[large].mean()
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_an_example_by_hand() -> None:
    estimate = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["b", "c", "c"], "flow": [6, 2, 2]})
    reference = pl.DataFrame({"origin": ["a", "b", "b"], "destination": ["b", "c", "a"], "flow": [4, 4, 2]})
    ours = values_of(compare_flows(estimate, reference, draws=0))
    assert ours["cpc"] == pytest.approx(2 * (4 + 2) / 20)
    assert ours["cpc_links"] == pytest.approx(2 * 2 / 6)
    assert ours["pairs"] == 4
    assert ours["rmse"] == pytest.approx(np.sqrt((4 + 4 + 4 + 4) / 4))
    # net flows: a −8, b +4, c +4 in the estimate; a −2, b −2, c +4 in the reference
    assert ours["net_sign_agreement"] == pytest.approx(2 / 3)


def test_equal_tables_agree_and_scale_does_not_matter() -> None:
    _, c = random_pair(3)
    table = compare_flows(flows_of(c * 7), flows_of(c), draws=50)
    ours = values_of(table)
    assert ours["cpc"] == ours["cpc_links"] == pytest.approx(1)
    assert ours["rmse"] == pytest.approx(0, abs=1e-9)
    assert ours["scale_factor"] == pytest.approx(1 / 7)
    assert row_of(table, "cpc")["lower"] == pytest.approx(1)
    assert values_of(compare_flows(flows_of(c * 7), flows_of(c), scale="none", draws=0))["slope"] == pytest.approx(7)


def test_pairs_within_a_zone_count_as_zero_only_where_a_table_lists_one() -> None:
    between = pl.DataFrame({"origin": ["a", "b"], "destination": ["b", "a"], "flow": [1, 2]})
    assert values_of(compare_flows(between, between, pairs="all", draws=0))["pairs"] == 2
    within = pl.concat([between, pl.DataFrame({"origin": ["a"], "destination": ["a"], "flow": [1]})])
    assert values_of(compare_flows(within, between, pairs="all", draws=0))["pairs"] == 4


def test_undefined_metrics_have_a_reason() -> None:
    empty = pl.DataFrame({"origin": ["a"], "destination": ["b"], "flow": [0.0]})
    other = empty.with_columns(flow=pl.lit(3.0))
    for table in (compare_flows(empty, other), compare_flows(empty, empty), compare_flows(empty, empty, scale="none")):
        missing = table.filter(pl.col("value").is_null())
        assert missing["reason"].null_count() == 0
        assert "cpc" in missing["metric"].to_list() or table is not None
    assert row_of(compare_flows(other, other), "cpc_distance")["reason"] == "no distances"
    assert "fewer than two origins" in str(row_of(compare_flows(other, other), "cpc")["reason"])


# Resamples


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("all_pairs", [True, False])
def test_resamples_equal_metrics_of_the_drawn_tables(scaled: bool, all_pairs: bool) -> None:
    """Each resample is made as a table, origins drawn twice under two names, and compared."""
    x, c = random_pair(11, (9, 8))
    x[2] = c[2] = 0
    x[2, 1] = 1.0
    frames = [flows_of(one).filter(pl.col("flow") > 0) for one in (x, c)]
    distances = flows_of(np.random.default_rng(5).uniform(0, 45, x.shape)).rename({"flow": "distance_km"})
    pairs = aligned_pairs(*frames, distances, all_pairs=all_pairs, drop_suppressed=False)
    draws = metric_draws(pairs, draws=40, seed=4, is_scaled=scaled, edges_km=EDGES)
    weights = np.random.default_rng(4).multinomial(9, np.full(9, 1 / 9), size=40)
    for number in range(0, 40, 7):
        drawn = pl.DataFrame({"zone": np.repeat(np.arange(9), weights[number])}).with_row_index("copy")
        tables = [
            frame.join(drawn, left_on="origin", right_on="zone").drop("origin").rename({"copy": "origin"})
            for frame in (*frames, distances)
        ]
        # all destinations of the whole table belong to the resample
        listed = (
            flows_of(np.zeros((1, 8))).with_columns(origin=pl.lit(0)).select("origin", "destination", flow=pl.lit(0.0))
        )
        listed = listed.cast({"origin": tables[0].schema["origin"]})
        estimate = pl.concat([tables[0].select("origin", "destination", "flow"), listed]).unique(
            ["origin", "destination"], keep="first", maintain_order=True
        )
        zeros = pl.DataFrame({"origin": np.arange(9), "destination": 0, "flow": 0.0}).cast(dict(estimate.schema))  # type: ignore[arg-type]
        estimate = pl.concat([estimate, zeros]).unique(["origin", "destination"], keep="first", maintain_order=True)
        expected = values_of(
            compare_flows(
                estimate, tables[1], distances=tables[2], scale="total" if scaled else "none",
                pairs="all" if all_pairs else "support", draws=0,
            )
        )  # fmt: skip
        for name, values in draws.items():
            if expected[name] is None:
                assert not np.isfinite(values[number]), name
                continue
            loose = name in {"ssi", "log_rmse", "r_squared_log", "jensen_shannon"}
            tolerance = 0.05 if name == "geh_below_5" else 1e-2 if loose else 1e-9
            assert values[number] == pytest.approx(expected[name], rel=tolerance, abs=tolerance), name


def test_kendall_of_the_largest_pairs() -> None:
    """Of 144 pairs, the 100 with the largest reference flow and those as large as the last of them."""
    x, c = random_pair(12, (12, 12))
    c = np.minimum(c, 60)
    row = row_of(compare_flows(flows_of(x), flows_of(c), draws=50), "kendall_top_100")
    top = c.ravel() >= np.sort(c.ravel())[-100]
    assert 100 <= top.sum() < 144
    assert row["value"] == pytest.approx(kendalltau(x.ravel()[top], c.ravel()[top]).statistic)
    assert (row["lower"], "largest pairs" in str(row["reason"])) == (None, True)


def test_intervals_are_seeded_and_hold_the_value() -> None:
    x, c = random_pair(2, (30, 30))
    tables = [compare_flows(flows_of(x), flows_of(c), draws=200, seed=seed) for seed in (1, 1, 2)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])
    inner = tables[0].filter(pl.col("lower").is_not_null())
    assert inner.height >= 13
    assert inner.filter(~pl.col("value").is_between("lower", "upper"))["metric"].to_list() in ([], ["geh_below_5"])


# Suppressed cells


def hidden(seed: int, below: int = 6) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Estimate with its small cells suppressed, the same before, and a reference."""
    x, c = random_pair(seed, (7, 7))
    x = np.round(x)
    x[0, 1] = 3
    x[1, 0] = 40
    whole = flows_of(x)
    is_hidden = (pl.col("flow") < below) & (pl.col("flow") > 0)
    cut = whole.with_columns(
        status=pl.when(is_hidden).then(pl.lit("suppressed")).otherwise(pl.lit("observed")),
        lower=pl.when(is_hidden).then(pl.lit(0.0)),
        upper=pl.when(is_hidden).then(pl.lit(float(below - 1))),
        flow=pl.when(~is_hidden).then("flow"),
    )
    return cut, whole, flows_of(c)


@given(st.integers(0, 100_000), st.sampled_from(["total", "none"]), st.booleans())
@settings(max_examples=60)
def test_bounds_hold_the_metric_without_suppression(seed: int, scale: str, with_margins: bool) -> None:
    cut, whole, reference = hidden(seed)
    random = np.random.default_rng(seed)
    distances = flows_of(random.uniform(0, 45, (7, 7))).rename({"flow": "distance_km"})
    margins = {
        f"{side}_totals": whole.group_by(side).agg(total=pl.col("flow").sum()) for side in ("origin", "destination")
    }
    options = {"distances": distances, "scale": scale, "draws": 0}
    bounded = compare_flows(cut, reference, **options, **(margins if with_margins else {}))  # type: ignore[arg-type]
    truth = values_of(compare_flows(whole, reference, **options))  # type: ignore[arg-type]
    checked = 0
    for name, value, lower, upper, _ in bounded.iter_rows():
        if lower is None or truth[name] is None:
            continue
        checked += 1
        slack = 1e-9 * max(1, abs(truth[name]))
        assert lower - slack <= truth[name] <= upper + slack, name
        assert lower <= value <= upper, name
    assert checked >= 12


def test_margins_narrow_the_bounds() -> None:
    widths = {}
    for seed in range(12):
        cut, whole, reference = hidden(seed)
        margins = {
            f"{side}_totals": whole.group_by(side).agg(total=pl.col("flow").sum()) for side in ("origin", "destination")
        }
        for key, table in (
            ("plain", compare_flows(cut, reference, scale="none", draws=0)),
            ("margins", compare_flows(cut, reference, scale="none", draws=0, **margins)),
        ):
            for name in ("cpc", "slope", "r_squared", "rmse"):
                row = row_of(table, name)
                widths[key, name] = widths.get((key, name), 0) + row["upper"] - row["lower"]  # type: ignore[operator]
    for name, share in {"cpc": 0.5, "slope": 0.5, "r_squared": 0.7, "rmse": 0.75}.items():
        assert widths["margins", name] <= share * widths["plain", name], name


def test_bounds_of_one_suppressed_cell_by_hand() -> None:
    estimate = pl.DataFrame(
        {
            "origin": ["a", "b"], "destination": ["b", "a"], "flow": [10.0, None],
            "status": ["observed", "suppressed"], "lower": [None, 0.0], "upper": [None, 4.0],
        }
    )  # fmt: skip
    reference = pl.DataFrame({"origin": ["a", "b"], "destination": ["b", "a"], "flow": [10.0, 4.0]})
    row = row_of(compare_flows(estimate, reference, scale="none", draws=0), "cpc")
    assert row["value"] == pytest.approx(24 / 26)
    assert row["lower"] == pytest.approx(20 / 28)
    assert row["upper"] == pytest.approx(1)
    dropped = values_of(compare_flows(estimate, reference, scale="none", suppressed="drop", draws=0))
    assert (dropped["left_out_pairs"], dropped["left_out_reference_flow"], dropped["cpc"]) == (1, 4, 1)


def test_cells_not_supplied_are_left_out_and_counted() -> None:
    _, c = random_pair(8)
    estimate = flows_of(c).with_columns(
        status=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("not_supplied")),
        flow=pl.when(pl.int_range(pl.len()) != 3).then("flow"),
    )
    ours = values_of(compare_flows(estimate, flows_of(c), draws=0))
    assert ours["cpc"] == pytest.approx(1)
    assert (ours["left_out_pairs"], ours["left_out_reference_flow"]) == (1, c.ravel()[3])


# Errors

GOOD = {"origin": ["a", "b"], "destination": ["b", "a"], "flow": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"flow": [1.0, -1.0]}, {}, "estimate: 1 with a negative flow"),
        ({"flow": [1.0, None]}, {}, "estimate: 1 with no flow and status observed; the first: origin b"),
        ({"flow": ["1", "2"]}, {}, "estimate: column flow is String, expected numbers"),
        ({"flow": [1.0, float("nan")]}, {}, "a number that is not finite"),
        ({"origin": ["a", "a"], "destination": ["b", "b"]}, {}, "estimate: rows with the same origin and destination"),
        ({"origin": [1, 2]}, {}, "column origin is Int64 in estimate, String in reference"),
        ({"origin": [1.5, 2.5]}, {}, "estimate: column origin is Float64, expected text or whole numbers"),
        ({"status": ["observed", "hidden"]}, {}, "an unknown status .known: observed, suppressed"),
        ({"status": ["observed", "suppressed"]}, {}, "status suppressed and no bounds"),
        ({"lower": [0.0, 0.0], "upper": [2.0, None]}, {}, "one bound without the other"),
        ({"lower": [2.0, 0.0], "upper": [3.0, 3.0]}, {}, "a flow outside its bounds"),
        ({"status": ["structural_zero", None]}, {}, "a flow and status structural_zero"),
        ({}, {"scale": "totals"}, "unknown scale 'totals'; known: total, none"),
        ({}, {"pairs": "every"}, "unknown pairs 'every'; known: support, all"),
        ({}, {"suppressed": "zero"}, "unknown suppressed 'zero'; known: midpoint, drop"),
        ({}, {"draws": 3}, "draws is 3; expected 0 or at least 20"),
        ({}, {"confidence": 95}, "confidence is 95; expected a number between 0 and 1"),
        ({}, {"bands_km": (5.0, 2.0)}, "bands_km is .5.0, 2.0.; expected growing positive distances"),
        ({}, {"distances": pl.DataFrame({"origin": ["a"], "destination": ["b"], "distance_km": [1.0]})}, "1 with no distance"),  # noqa: E501
        ({}, {"distances": pl.DataFrame({"origin": ["a"], "destination": ["b"], "km": [1.0]})}, "distances: column distance_km is missing"),  # noqa: E501
        ({}, {"origin_totals": pl.DataFrame({"origin": ["a", "z"], "total": [1.0, 4.0]})}, "origin_totals: 1 with a positive total of a zone without a pair"),  # noqa: E501
    ],
)  # fmt: skip
def test_bad_input_is_refused(change: dict[str, object], options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_flows(pl.DataFrame(GOOD | change), pl.DataFrame(GOOD), **options)  # type: ignore[arg-type]


def test_margins_out_of_reach_are_refused() -> None:
    estimate = pl.DataFrame(
        GOOD | {"status": ["observed", "suppressed"], "flow": [1.0, None], "lower": [None, 0.0], "upper": [None, 4.0]}
    )
    with pytest.raises(ValueError, match=r"origin_totals: 1 totals out of reach .* total 9, the cells allow 0 to 4"):
        compare_flows(
            estimate, pl.DataFrame(GOOD), draws=0, origin_totals=pl.DataFrame({"origin": ["b"], "total": [9.0]})
        )


def test_keys_of_any_width_or_category_and_lazy_frames() -> None:
    good = pl.DataFrame(GOOD)
    categories = good.with_columns(pl.col("origin", "destination").cast(pl.Categorical)).lazy()
    assert values_of(compare_flows(categories, good, draws=0))["cpc"] == pytest.approx(1)
    numbers = flows_of([[1, 2], [3, 4]])
    narrow = numbers.cast({"origin": pl.UInt8, "destination": pl.Int16, "flow": pl.Int32})
    distances = narrow.rename({"flow": "distance"})
    assert values_of(compare_flows(narrow, numbers, distances=distances, draws=0))[
        "trip_length_ratio"
    ] == pytest.approx(1)


def test_rows_in_any_order_give_the_same_values() -> None:
    x, c = random_pair(21)
    table = compare_flows(flows_of(x), flows_of(c), draws=50)
    again = compare_flows(
        flows_of(x).sample(fraction=1, shuffle=True, seed=1),
        flows_of(c).sample(fraction=1, shuffle=True, seed=2),
        draws=50,
    )
    for column in ("value", "lower", "upper"):
        np.testing.assert_allclose(table[column].fill_null(-9), again[column].fill_null(-9), rtol=1e-9)
