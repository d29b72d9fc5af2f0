"""The commuters of a census table: all special codes, nothing lost, errors."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.phones.methods.census_universe import PARTS, SPECIAL_DESTINATIONS, commuting_universe
from ons_bigdata.settings import Settings

ZONES = pl.DataFrame({"zone": ["E1", "E2"]})
FLOWS = pl.DataFrame(
    {
        "origin": ["E1"] * 9 + ["W1"],
        "destination": ["E1", "E2", "W1", *SPECIAL_DESTINATIONS, "OD0000001"],
        "flow": [1.0, 2, 4, 8, 16, 32, 64, 128, 256, 512],
        "car": range(10),
    }
)


def test_each_code_by_hand() -> None:
    universe = commuting_universe(FLOWS, ZONES)
    assert universe.commuters["flow"].to_list() == [1, 2]
    assert universe.commuters["car"].to_list() == [0, 1]
    persons = dict(zip(universe.parts["part"], universe.parts["persons"], strict=True))
    assert persons == {
        "commuters": 3, "at_home": 8, "offshore": 16, "no_fixed_place": 32, "outside_uk": 64, "scotland": 128,
        "northern_ireland": 256, "outside_zones": 516,
    }  # fmt: skip
    assert universe.parts["rows"].sum() == FLOWS.height
    assert tuple(universe.parts["part"]) == PARTS


def test_the_columns_of_the_national_table() -> None:
    path = Settings().shared / "data" / "phones" / "stplanr_od_data_sample.csv"
    if not path.is_file():
        pytest.skip(f"no sample of the national table at {path} (set ONS_BIGDATA_SHARED)")
    table = pl.read_csv(path).rename({"geo_code1": "origin", "geo_code2": "destination", "all": "flow"})
    zones = table.select(zone="origin").unique()
    universe = commuting_universe(table, zones)
    assert universe.parts["rows"].sum() == table.height
    assert universe.parts["persons"].sum() == table["flow"].sum()
    assert universe.commuters.columns == table.columns


def test_bad_input_is_refused() -> None:
    for flows, options, message in (
        (FLOWS.with_columns(flow=pl.lit(-1)), {}, "flows: 10 with a negative flow"),
        (FLOWS.with_columns(origin=pl.lit("OD0000003")).head(1), {}, "an origin that is no zone but a code"),
        (pl.concat([FLOWS, FLOWS]), {}, "flows: rows with the same origin and destination"),
        (FLOWS, {"is_within_kept": False}, "flows: 1 with origin and destination the same; the first: origin E1"),
    ):
        with pytest.raises(ValueError, match=message):
            commuting_universe(flows, ZONES, **options)  # type: ignore[arg-type]
