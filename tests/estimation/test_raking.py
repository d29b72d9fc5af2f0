"""Raking: published example, an independent calculation, properties, errors."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.estimation import raking
from ons_bigdata.estimation.raking import rake
from ons_bigdata.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray


def cells_of(matrix: NDArray[np.float64]) -> pl.DataFrame:
    """Cells of a matrix in rows, zeros included."""
    rows, columns = np.indices(matrix.shape)
    return pl.DataFrame({"origin": rows.ravel(), "destination": columns.ravel(), "flow": matrix.ravel()})


def totals_of(values: NDArray[np.float64], side: str) -> pl.DataFrame:
    return pl.DataFrame({side: np.arange(len(values)), "total": values})


def rake_matrix(
    matrix: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64], **options: float
) -> NDArray[np.float64]:
    raked = rake(cells_of(matrix), totals_of(rows, "origin"), totals_of(columns, "destination"), **options)  # type: ignore[arg-type]
    return raked["flow_adjusted"].to_numpy().reshape(matrix.shape)


def test_two_by_two_by_hand() -> None:
    """A table of ones becomes the products of the margins over their sum."""
    raked = rake_matrix(np.ones((2, 2)), np.array([30.0, 10.0]), np.array([20.0, 20.0]))
    np.testing.assert_allclose(raked, [[15, 15], [5, 5]], rtol=1e-12)


def test_a_textbook_table() -> None:
    """The table of Wikipedia's article on iterative proportional fitting, as printed there (two decimals)."""
    seed = np.array([[40.0, 30, 20, 10], [35, 50, 100, 75], [30, 80, 70, 120], [20, 30, 40, 50]])
    raked = rake_matrix(seed, np.array([150.0, 300, 400, 150]), np.array([200.0, 300, 400, 100]))
    expected = [
        [64.61, 46.28, 35.42, 3.83],
        [49.95, 68.15, 156.49, 25.37],
        [56.70, 144.40, 145.06, 53.76],
        [28.74, 41.18, 63.03, 17.03],
    ]
    np.testing.assert_allclose(raked, expected, atol=0.06)


def test_districts_2001_raked_to_the_margins_of_2011() -> None:
    """CPC and R² of the previous census, raked, against the next one (reference notes, between districts)."""
    path = Settings().shared / "data" / "phones" / "ew_lad20x_commuting_1991_2001_2011.csv.gz"
    if not path.is_file():
        pytest.skip(f"no flows of three censuses at {path} (set ONS_BIGDATA_SHARED)")
    with gzip.open(path) as file:
        rows = pl.read_csv(file.read()).filter(pl.col("o") != pl.col("d"), pl.col("commuters") > 0)
    flows = {
        year: rows.filter(pl.col("year") == year).select(origin="o", destination="d", flow="commuters")
        for year in (1991, 2001, 2011)
    }
    for old, new, cpc, r_squared in [
        (1991, 2001, 0.910, 0.989),
        (2001, 2011, 0.943, 0.995),
        (1991, 2011, 0.886, 0.975),
    ]:
        origins = flows[new].group_by("origin").agg(total=pl.col("flow").sum())
        destinations = flows[new].group_by("destination").agg(total=pl.col("flow").sum())
        raked = rake(flows[old], origins, destinations)
        both = raked.join(flows[new], on=["origin", "destination"], how="full", coalesce=True, suffix="_new").fill_null(
            0
        )
        estimate, truth = both["flow_adjusted"].to_numpy(), both["flow_new"].to_numpy().astype(float)
        assert 2 * np.minimum(estimate, truth).sum() / (estimate.sum() + truth.sum()) == pytest.approx(cpc, abs=6e-4)
        zones = len(set(origins["origin"]) | set(destinations["destination"]))
        mean = truth.sum() / (zones * (zones - 1))
        spread = ((truth - mean) ** 2).sum() + mean**2 * (zones * (zones - 1) - len(truth))
        assert 1 - ((estimate - truth) ** 2).sum() / spread == pytest.approx(r_squared, abs=6e-4)


@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 7))
@settings(max_examples=60)
def test_margins_hold_and_cross_ratios_stay(seed: int, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.uniform(0.2, 5, (height, width))
    truth = random.uniform(0.2, 5, (height, width))
    raked = rake_matrix(matrix, truth.sum(1), truth.sum(0))
    np.testing.assert_allclose(raked.sum(1), truth.sum(1), rtol=1e-11)
    np.testing.assert_allclose(raked.sum(0), truth.sum(0), rtol=1e-11)
    factor = np.log(raked / matrix)
    np.testing.assert_allclose(factor - factor[:1] - factor[:, :1] + factor[0, 0], 0, atol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_flows_with_the_totals_already_are_unchanged_and_order_is_kept(seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.poisson(1.0, (6, 5)).astype(float)
    cells = cells_of(matrix).sample(fraction=1, shuffle=True, seed=seed).with_columns(note=pl.lit("kept"))
    raked = rake(cells, totals_of(matrix.sum(1), "origin"), totals_of(matrix.sum(0), "destination"))
    assert raked.drop("flow_adjusted").equals(cells)
    np.testing.assert_allclose(raked["flow_adjusted"], cells["flow"], rtol=1e-14)


def test_zero_cells_stay_zero_and_text_keys_work() -> None:
    flows = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["x", "y", "y"], "flow": [2, 0, 5]})
    raked = rake(
        flows,
        pl.DataFrame({"origin": ["a", "b"], "total": [4, 6]}),
        pl.DataFrame({"destination": ["x", "y"], "total": [4, 6]}),
    )
    assert raked["flow_adjusted"].to_list() == [4.0, 0.0, 6.0]


def test_a_side_without_a_total_is_not_scaled_by_it() -> None:
    flows = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["x", "y", "y"], "flow": [2.0, 3.0, 5.0]})
    raked = rake(
        flows, pl.DataFrame({"origin": ["a"], "total": [10.0]}), pl.DataFrame({"destination": ["x"], "total": [4.0]})
    )
    assert raked["flow_adjusted"].to_list() == pytest.approx([4.0, 6.0, 5.0])


def test_a_total_of_zero_empties_its_cells() -> None:
    flows = pl.DataFrame({"origin": ["a", "b"], "destination": ["x", "x"], "flow": [2.0, 3.0]})
    raked = rake(
        flows, pl.DataFrame({"origin": ["a", "b"], "total": [0, 4]}), pl.DataFrame({"destination": ["x"], "total": [4]})
    )
    assert raked["flow_adjusted"].to_list() == [0.0, 4.0]


FLOWS = {"origin": ["a", "a", "b", "b"], "destination": ["x", "y", "x", "y"], "flow": [1.0, 0.0, 1.0, 1.0]}
ORIGINS = {"origin": ["a", "b"], "total": [2.0, 4.0]}
DESTINATIONS = {"destination": ["x", "y"], "total": [3.0, 3.0]}


@pytest.mark.parametrize(
    ("flows", "origins", "destinations", "options", "message"),
    [
        ({"flow": [1.0, -1.0, 1.0, 1.0]}, {}, {}, {}, "flows: 1 with a negative flow; the first: origin a"),
        ({"flow": [1.0, None, 1.0, 1.0]}, {}, {}, {}, " with no flow"),
        ({"flow": [1.0, float("inf"), 1.0, 1.0]}, {}, {}, {}, " with a flow that is not finite"),
        ({"flow": ["1", "2", "3", "4"]}, {}, {}, {}, "column flow is String, expected numbers"),
        ({"origin": ["a", None, "b", "b"]}, {}, {}, {}, " with no origin"),
        ({"destination": ["x", "x", "x", "y"]}, {}, {}, {}, " with the same origin and destination; the first: origin a"),  # noqa: E501
        ({}, {"total": [2.0, 5.0]}, {}, {}, "origin_totals add up to 7, destination_totals to 6"),
        ({}, {"total": [-2.0, 8.0]}, {}, {}, "origin_totals: 1 with a negative total"),
        ({}, {"origin": ["a", "a"]}, {}, {}, "origin_totals: rows with the same origin; the first: origin a"),
        ({}, {"origin": [1, 2]}, {}, {}, "origin_totals: column origin is Int64; in flows it is String"),
        ({}, {"origin": ["a", "c"]}, {}, {}, "origin_totals: 1 with a positive total, but no positive flow .*origin c"),
        ({"flow": [1.0, 0.0, 1.0, 0.0]}, {}, {}, {}, "destination_totals: 1 with a positive total, but no .*destination y"),  # noqa: E501
        ({}, {"total": [4.0, 2.0]}, {}, {"max_iterations": 50}, "cannot be raked to tolerance 1e-12 in 50 iterations"),
        ({}, {}, {}, {"tolerance": 0.0}, "tolerance is 0.0; expected a positive number"),
        ({}, {}, {}, {"max_iterations": 0}, "max_iterations is 0; expected at least 1"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(
    flows: dict[str, object], origins: dict[str, object], destinations: dict[str, object],
    options: dict[str, float], message: str,
) -> None:  # fmt: skip
    frames = (pl.DataFrame(FLOWS | flows), pl.DataFrame(ORIGINS | origins), pl.DataFrame(DESTINATIONS | destinations))
    with pytest.raises(ValueError, match=message):
        rake(*frames, **options)  # type: ignore[arg-type]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(
        ValueError, match="flows: column flow is missing; found origin, destination, flows; did you mean flows"
    ):
        rake(pl.DataFrame(FLOWS).rename({"flow": "flows"}), pl.DataFrame(ORIGINS), pl.DataFrame(DESTINATIONS))


def test_a_column_whose_origins_have_no_mass_is_no_success() -> None:
    """Destination y is reached from b only, and b must be empty."""
    with pytest.raises(ValueError, match="destination 'y' adds up to 0, its total is 3"):
        rake(
            pl.DataFrame(FLOWS), pl.DataFrame({"origin": ["a", "b"], "total": [6.0, 0.0]}),
            pl.DataFrame(DESTINATIONS), max_iterations=20,
        )  # fmt: skip


def test_keys_of_any_width_or_category_and_lazy_frames() -> None:
    flows = pl.DataFrame(FLOWS)
    expected = rake(flows, pl.DataFrame(ORIGINS), pl.DataFrame(DESTINATIONS))["flow_adjusted"].to_list()
    categories = flows.with_columns(
        pl.col("origin").cast(pl.Categorical), pl.col("destination").cast(pl.Enum(["y", "x"]))
    )
    raked = rake(categories.lazy(), pl.DataFrame(ORIGINS).lazy(), pl.DataFrame(DESTINATIONS))
    assert raked["flow_adjusted"].to_list() == pytest.approx(expected)
    assert raked.drop("flow_adjusted").equals(categories)
    numbers = flows.with_columns(origin=pl.Series([1, 1, 2, 2], dtype=pl.UInt8))
    raked = rake(numbers, pl.DataFrame({"origin": [1, 2], "total": [2, 4]}), pl.DataFrame(DESTINATIONS))
    assert raked["flow_adjusted"].to_list() == pytest.approx(expected)


def test_repeated_cells_of_many_zones_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    flows = pl.DataFrame({"origin": ["a", "a", "a"], "destination": ["x", "y", "x"], "flow": [1.0, 2.0, 3.0]})
    totals = pl.DataFrame({"origin": ["a"], "total": [6.0]}), pl.DataFrame({"destination": ["x"], "total": [4.0]})
    for most in (raking.MOST_MARKS, 0):
        monkeypatch.setattr(raking, "MOST_MARKS", most)
        with pytest.raises(ValueError, match=r"a.*x"):
            rake(flows, *totals)
