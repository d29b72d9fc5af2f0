"""Nearest addresses: an example by hand, ties, shells, votes and areas; properties against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from ons_bigdata.tweets.methods.address_records import ADDRESS_COLUMNS
from ons_bigdata.tweets.methods.addresses import RESULT, AddressIndex, AddressRules, address_places, nearest_addresses

NO_VOTE = AddressRules(vote_neighbours=1)

POSTCODE_COLUMNS = {
    "data_origin": pl.String,
    "postcode": pl.String,
    "easting_m": pl.Float64,
    "northing_m": pl.Float64,
    "output_area": pl.String,
    "msoa": pl.String,
    "authority": pl.String,
    "is_in_use": pl.Boolean,
}


def addresses(*rows: dict[str, Any]) -> pl.DataFrame:
    """Addresses with defaults: real, class RD04, without postcode, parent and authority."""
    return pl.DataFrame([{"data_origin": "real", "class_code": "RD04"} | row for row in rows], schema=ADDRESS_COLUMNS)


def at(easting_m: float, northing_m: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"easting_m": easting_m, "northing_m": northing_m, **more}


def places(*rows: tuple[float, float], origin: str = "real") -> pl.DataFrame:
    schema = {"easting_m": pl.Float64, "northing_m": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(pl.lit(origin).alias("data_origin"))


def postcodes(*rows: dict[str, Any]) -> pl.DataFrame:
    filled = [{"data_origin": "real", "is_in_use": True} | row for row in rows]
    return pl.DataFrame(filled, schema=POSTCODE_COLUMNS)


def test_an_example_to_follow_by_hand() -> None:
    known = addresses(
        at(100, uprn=1, class_code="RD02"),
        at(103, 4, uprn=2, class_code="CR08"),
        at(110, uprn=3, class_code="RD04"),
    )
    found = nearest_addresses(places((103, 0)), known, AddressRules(vote_neighbours=3))
    # distances 3, 4 and 7 m: the houses have the weight 1/3 + 1/7, the shop 1/4
    assert found["address_class"].to_list() == ["RD02"]
    assert found["address_distance_m"].to_list() == [3.0]
    assert found["voted_class"].to_list() == ["RD02"]
    assert found["class_share"][0] == pytest.approx((1 / 3 + 1 / 7) / (1 / 3 + 1 / 4 + 1 / 7))


def test_the_vote_may_be_for_another_class_than_the_nearest() -> None:
    known = addresses(
        at(3, uprn=1, class_code="CR08"), at(4, uprn=2, class_code="RD02"), at(5, uprn=3, class_code="RD06")
    )
    found = nearest_addresses(places((0, 0)), known, AddressRules(vote_neighbours=3)).row(0, named=True)
    assert (found["address_class"], found["voted_class"]) == ("CR08", "RD02")
    assert found["class_share"] == pytest.approx((1 / 3) / (1 / 3 + 1 / 4 + 1 / 5))


@pytest.mark.parametrize(("distance_m", "is_found"), [(300.0, True), (300.001, False)])
def test_the_radius_includes_its_end(distance_m: float, is_found: bool) -> None:
    found = nearest_addresses(places((0, 0)), addresses(at(distance_m, uprn=1)), AddressRules())
    assert found["address_class"].is_not_null().to_list() == [is_found]
    assert found["address_distance_m"].to_list() == [distance_m if is_found else None]


def test_the_smallest_uprn_wins_at_one_position_and_at_one_distance() -> None:
    known = addresses(
        at(3, 4, uprn=9, class_code="CR08"),
        at(3, 4, uprn=5, class_code="CO01"),
        at(-4, 3, uprn=4, class_code="RD03"),
        at(0, 5, uprn=7, class_code="RD02"),
        at(5, 0, uprn=6, class_code="M"),
    )
    for shuffled in (known, known.reverse(), known.sample(fraction=1, shuffle=True, seed=1)):
        found = nearest_addresses(places((0, 0)), shuffled, NO_VOTE)
        assert found["address_class"].to_list() == ["RD03"]
        voted = nearest_addresses(places((0, 0)), shuffled, AddressRules(vote_neighbours=2))
        assert voted["class_share"].to_list() == [0.5]  # all four positions are as far as the second


def test_a_position_as_far_as_the_last_voter_votes_in_whatever_order_they_are_met() -> None:
    """Of the positions at 10 m in the west, met first, one gives way to the nearer one, and votes all the same."""
    west = [at(0, 0, uprn=1, class_code="CR08"), at(0, 12, uprn=2, class_code="CR08")]
    known = addresses(*west, at(12, 6, uprn=3, class_code="RD02"), at(8, 16, uprn=4, class_code="RD02"))
    found = nearest_addresses(places((8, 6)), known, AddressRules(vote_neighbours=3)).row(0, named=True)
    # distances 4 m and three times 10 m
    assert found["address_distance_m"] == 4.0
    assert found["class_share"] == pytest.approx((1 / 4 + 1 / 10) / (1 / 4 + 3 / 10))


def test_a_shell_has_the_class_of_its_nearest_child() -> None:
    known = addresses(
        at(0, uprn=1, class_code="PP"),
        at(6, uprn=2, class_code="CR08", parent_uprn=1),  # too far
        at(4, uprn=4, class_code="RD06", parent_uprn=1),
        at(-4, uprn=3, class_code="RI03", parent_uprn=1),  # as far, of a smaller UPRN
        at(-4.5, uprn=0, class_code="RD02", parent_uprn=1),  # of a still smaller one, but farther
        at(0, 3, uprn=5, class_code="P", parent_uprn=1),  # a shell itself
        at(0, 2, uprn=6, class_code="M", parent_uprn=99),
    )
    assert nearest_addresses(places((0, 0)), known, NO_VOTE)["address_class"].to_list() == ["RI03"]
    alone = nearest_addresses(places((0, 0)), known.head(2), NO_VOTE)
    assert alone["address_class"].to_list() == ["PP"]


def test_an_address_without_class_has_a_distance_and_no_vote() -> None:
    known = addresses(at(1, uprn=1, class_code=None), at(2, uprn=2, class_code="RD02"))
    found = nearest_addresses(places((0, 0)), known, AddressRules()).row(0, named=True)
    assert (found["address_class"], found["address_distance_m"]) == (None, 1.0)
    assert (found["voted_class"], found["class_share"]) == ("RD02", None)


def test_areas_are_those_of_the_postcode_or_of_the_nearest_one() -> None:
    known = addresses(
        at(0, uprn=1, postcode="AA1 1AA"),
        at(1000, uprn=2, postcode="ZZ9 9ZZ", authority="E07000009"),  # a postcode that the directory lacks
        at(5000, uprn=3),
        at(9000, uprn=4, authority="E07000004"),
    )
    areas = postcodes(
        at(50, postcode="AA1 1AA", output_area="E00000001", authority="E06000001"),
        at(1010, postcode="BB1 1BB", output_area="E00000009", authority="E06000009", is_in_use=False),
        at(1100, postcode="BB1 1BA", output_area="E00000002", authority="E06000002"),
        at(5300, postcode="CC1 1CC", output_area="E00000003", authority="E06000003"),
        at(5001, postcode="CC1 1CD"),  # without area
    )
    found = address_places(places((0, 0), (1000, 0), (5000, 0), (9000, 0), (20000, 0)), known, areas, NO_VOTE)
    assert found.select("output_area", "authority", "area_source").rows() == [
        ("E00000001", "E06000001", "address"),
        ("E00000002", "E07000009", "nearest_postcode"),
        ("E00000003", "E06000003", "nearest_postcode"),
        (None, "E07000004", "address"),
        (None, None, None),
    ]


def test_places_are_looked_up_among_the_addresses_of_their_origin() -> None:
    known = addresses(at(0, uprn=1), at(1, uprn=2, data_origin="simulated", class_code="CR08"))
    both = pl.concat([places((0, 0)), places((0, 0), origin="simulated"), places((1, 0))])
    found = address_places(both, known, postcodes(), NO_VOTE)
    assert found["address_class"].to_list() == ["RD04", "CR08", "RD04"]


def test_the_result_has_neither_uprn_nor_postcode() -> None:
    found = address_places(places((0, 0)), addresses(at(0, uprn=1, postcode="AA1 1AA")), postcodes(), AddressRules())
    assert found.columns == list(RESULT)
    assert not {"uprn", "postcode"} & set(found.columns)


@pytest.mark.parametrize("known", [addresses(), addresses(at(0, uprn=1))], ids=["none", "one"])
def test_no_place_and_no_address_give_no_result(known: pl.DataFrame) -> None:
    assert address_places(places(), known, postcodes(), AddressRules()).schema == RESULT
    lost = address_places(places((9999, 9999)), known, postcodes(), AddressRules())
    assert lost.null_count().row(0) == (1,) * len(RESULT)


def test_a_position_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"place in row 1: position nan, 0\.0; expected finite metres"):
        nearest_addresses(places((0, 0), (float("nan"), 0)), addresses(at(0, uprn=1)), NO_VOTE)
    with pytest.raises(ValueError, match="address in row 0"):
        nearest_addresses(places((0, 0)), addresses({"uprn": 1, "easting_m": None, "northing_m": 0.0}), NO_VOTE)


@pytest.mark.parametrize("rules", [{"radius_m": 0}, {"shell_radius_m": -1}, {"vote_neighbours": 0}], ids=str)
def test_rules_that_mean_nothing_are_an_error(rules: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected a positive radius"):
        AddressRules(**rules)  # type: ignore[arg-type]


GRID = st.tuples(st.integers(0, 12), st.integers(0, 12))


@given(
    known=st.lists(GRID, min_size=1, max_size=40),
    asked=st.lists(GRID, min_size=1, max_size=10),
    voters=st.integers(1, 6),
    spacing=st.sampled_from([1, 60]),
)
def test_results_are_those_of_brute_force(
    known: list[tuple[int, int]], asked: list[tuple[int, int]], voters: int, spacing: int
) -> None:
    """On a lattice, on which ties abound: smallest UPRN first; all positions as far as the last voter vote.

    With the narrow lattice all positions are in one cell of the grid, with the wide one in many.
    """
    known, asked = ([(e * spacing, n * spacing) for e, n in points] for points in (known, asked))
    classes = ["RD02", "CR08", None, "RD06"]
    rows = [at(e, n, uprn=100 - place, class_code=classes[place % 4]) for place, (e, n) in enumerate(known)]
    rules = AddressRules(radius_m=5 * spacing, vote_neighbours=voters)
    found = nearest_addresses(places(*((float(e), float(n)) for e, n in asked)), addresses(*rows), rules)
    for (east, north), result in zip(asked, found.iter_rows(named=True), strict=True):
        by_position: dict[tuple[int, int], dict[str, Any]] = {}
        for row in sorted(rows, key=lambda row: row["uprn"]):
            by_position.setdefault((row["easting_m"], row["northing_m"]), row)
        near = sorted(
            (float(np.hypot(e - east, n - north)), row["uprn"], row["class_code"])
            for (e, n), row in by_position.items()
        )
        near = [one for one in near if one[0] <= 5 * spacing]
        if not near:
            assert set(result.values()) == {None}
            continue
        assert (result["address_class"], result["address_distance_m"]) == (near[0][2], near[0][0])
        if voters == 1:
            continue
        last = near[min(voters, len(near)) - 1][0]
        votes = [(1 / max(distance, 1), code) for distance, _, code in near if distance <= last and code is not None]
        shares = {letter: sum(w for w, code in votes if code[0] == letter) for _, code in votes for letter in code[0]}
        if not shares:
            assert result["voted_class"] is None
            continue
        assert shares[result["voted_class"][0]] == pytest.approx(max(shares.values()))
        if near[0][2] is not None:
            assert result["class_share"] == pytest.approx(shares[near[0][2][0]] / sum(shares.values()))


@given(
    known=st.lists(st.tuples(GRID, st.sampled_from(["AA1 1AA", "AA1 1AB", None])), max_size=15),
    asked=st.lists(st.tuples(GRID, st.sampled_from(["real", "simulated"])), max_size=10),
    part=st.integers(1, 4),
)
def test_places_looked_up_in_parts_have_the_results_of_all_at_once(
    known: list[tuple[tuple[int, int], str | None]], asked: list[tuple[tuple[int, int], str]], part: int
) -> None:
    """Addresses with the postcode of an area, of none and without one; places of an origin without addresses."""
    rows = [at(float(e), float(n), uprn=1 + place, postcode=code) for place, ((e, n), code) in enumerate(known)]
    areas = postcodes({"postcode": "AA1 1AA", "output_area": "E00000001", **at(3, 4)}, {"postcode": "AA1 1AB"})
    each = [places((float(e), float(n)), origin=origin) for (e, n), origin in asked]
    rules = AddressRules(radius_m=6, vote_neighbours=2)
    index = AddressIndex(addresses(*rows), areas, rules)
    together = pl.concat([places(), *each])
    expected = pl.concat(
        [pl.DataFrame(schema=RESULT), *(address_places(one, addresses(*rows), areas, rules) for one in each)]
    )
    found = pl.concat([pl.DataFrame(schema=RESULT), *map(index.look_up, together.iter_slices(part))])
    assert found.equals(expected)
    assert index.look_up(together).equals(found)


@pytest.mark.parametrize("extent_m", [2_000, 60_000], ids=["dense", "sparse"])
def test_nearest_positions_are_those_of_a_tree(extent_m: int) -> None:
    """Of places in and around the area of the positions, some at the edges of cells, by another method."""
    rng = np.random.default_rng(extent_m)
    positions = rng.uniform(0, extent_m, (20_000, 2)).round(2) + np.array([400_000, 200_000])
    asked = np.vstack([rng.uniform(-500, extent_m + 500, (3_000, 2)), 65.536 * rng.integers(0, 30, (1_000, 2))])
    asked += positions.min(axis=0)
    known = pl.DataFrame({"easting_m": positions[:, 0], "northing_m": positions[:, 1]}).with_columns(
        pl.lit("real").alias("data_origin"),
        pl.int_range(pl.len()).alias("uprn"),
        pl.int_range(pl.len()).cast(pl.String).alias("class_code"),  # tells the address
        *(pl.lit(None, ADDRESS_COLUMNS[name]).alias(name) for name in ("postcode", "parent_uprn", "authority")),
    )
    found = nearest_addresses(places(*map(tuple, asked.tolist())), known, AddressRules(vote_neighbours=5))
    distance, index = cKDTree(positions).query(asked, distance_upper_bound=300)
    is_found = np.isfinite(distance)
    assert 0 < is_found.sum() < len(asked)
    assert found["address_distance_m"].is_not_null().to_list() == is_found.tolist()
    kept = found.filter(pl.Series(is_found))
    assert kept["address_class"].cast(pl.Int64).to_list() == index[is_found].tolist()
    np.testing.assert_allclose(kept["address_distance_m"].to_numpy(), distance[is_found], rtol=1e-9, atol=1e-9)


def test_positions_too_far_apart_for_a_grid_are_refused() -> None:
    known = addresses(at(0, uprn=1), at(1e12, 1e12, uprn=2))
    with pytest.raises(ValueError, match=r"positions span 1000000000000\.0 m by 1000000000000\.0 m: too far apart"):
        nearest_addresses(places((0, 0)), known, NO_VOTE)
