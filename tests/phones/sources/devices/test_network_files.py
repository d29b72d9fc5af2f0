"""Networks of two simulators: small files by hand, faults by line, then the real files as plans that are taken in."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ons_bigdata.commands.phones import AntennaSettings, write_cell_plan
from ons_bigdata.phones.methods.cell_plan import describe_cells
from ons_bigdata.phones.methods.footprints import locate_cells, serving_probabilities
from ons_bigdata.phones.sources.device_files import read_simulator_events
from ons_bigdata.phones.sources.devices.cell_plans import read_cell_plan
from ons_bigdata.phones.sources.devices.network_files import (
    read_antennas,
    read_grid,
    read_network,
    read_regions,
    read_signals,
)
from ons_bigdata.platform.errors import InputError
from ons_bigdata.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

GRID = "Origin X,Origin Y,X Tile Dim,Y Tile Dim,No Tiles X,No Tiles Y\n0,0,250,250,2,1\n"
REGIONS = "tile,region\n0,1\n1,2\n"
SIGNALS = "Antenna ID,Tile0,Tile1\n7,-60,-86\n9,-86,-60.5\n"
ROW = {
    **{"cell_id": "123456789012345", "latitude": 40.0, "longitude": -3.0, "directionality": 0, "azimuth_angle": None},
    **{"horizontal_beam_width": 60.0, "power": 5.0, "range": 1_000.0},
}


ANTENNA = "<antenna><mno_name>M1</mno_name><Smin>-85</Smin><Smid>-76</Smid><SSteep>0.5</SSteep><x>1</x></antenna>"
ANTENNAS = f"<antennas>{ANTENNA * 9}</antennas>"


def simulator(folder: Path, antennas: str = ANTENNAS, **files: str) -> Path:
    """Write the files of a simulator and return their folder."""
    if antennas:
        (folder / "antennas.xml").write_text(antennas)
    for name, text in {"grid": GRID, "regions": REGIONS, "SignalMeasure_M1": SIGNALS, **files}.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def network(path: Path, *rows: dict[str, object]) -> Path:
    """Write a network of multimno and return its path."""
    pl.DataFrame([{**ROW, **row} for row in rows], schema_overrides={"azimuth_angle": pl.Float64}).write_parquet(path)
    return path


def test_a_network_of_the_simulator_is_a_plan_that_is_taken_in(tmp_path: Path) -> None:
    written = write_cell_plan(simulator(tmp_path), tmp_path / "out", tile_m=250.0)
    assert (written.path.name, written.cells, written.cells_with_zone) == ("simulated_cell_plan_m1.csv", 2, 2)
    reading = read_cell_plan(written.path.read_bytes(), name=written.path.name, load_id="0" * 16)
    assert reading.quarantined.is_empty()
    rows = reading.accepted.select("provider", "cell", "easting_m", "zone", "zone_shares").rows()
    assert rows == [("m1", "7", 125.0, "1", "1=1"), ("m1", "9", 375.0, "2", "2=1")]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"grid": GRID.replace("250,250", "250,x")}, r"grid\.csv, line 2, column Y Tile Dim: 'x'; expected a number"),
        ({"grid": GRID.replace("2,1", "2,1.5")}, "2 by 1.5 tiles; expected"),
        ({"grid": GRID.replace("2,1", "3,1")}, "line 1: 3 columns; expected Antenna ID and Tile0 to Tile2"),
        ({"regions": REGIONS + "1,2\n"}, r"regions\.csv, line 4: tile 1 came before"),
        ({"regions": REGIONS + "2,2\n"}, "line 4: tile '2'; expected 0 to 1"),
        (
            {"SignalMeasure_M1": SIGNALS.replace("-60.5", "NaN")},
            "line 3, column Tile1: 'NaN'; expected a strength in dBm",
        ),
        ({"SignalMeasure_M1": SIGNALS.replace("9,-86,", "9,")}, "line 3: 1 strengths; expected 2"),
        ({"SignalMeasure_M1": SIGNALS.replace("9,", "7,")}, "line 3: antenna '7'; expected an identifier"),
        ({"SignalMeasure_M1": "Antenna ID,Tile0,Tile1\n"}, "no antenna below the header"),
        ({"SignalMeasure_M2": SIGNALS}, "2 files SignalMeasure"),
        ({"antennas": ""}, r"no antennas\.xml .* expected that file, or all of --least-dbm"),
        ({"antennas": "<antennas>"}, r"antennas\.xml: no XML that can be read"),
        ({"antennas": "<antennas/>"}, r"antennas\.xml: no antenna"),
        ({"antennas": '<!DOCTYPE a [<!ENTITY b "c">]><antennas/>'}, "declares an entity"),
        ({"antennas": ANTENNAS.replace("-76", "x", 2)}, "antenna 1, Smid: 'x'; expected a number above -300"),
        (
            {"antennas": ANTENNAS.replace("<SSteep>0.5</SSteep>", "")},
            "antenna 1, SSteep: ''; expected a number above 0",
        ),
        ({"antennas": f"<antennas>{ANTENNA * 8}</antennas>"}, "antenna 9 has signals, but antennas.xml has 8"),
    ],
)
def test_a_fault_of_the_simulator_names_line_and_column(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_cell_plan(simulator(tmp_path, **files), tmp_path / "out", tile_m=250.0)
    assert not (tmp_path / "out").exists()


def test_settings_of_antennas_are_those_of_the_file_or_as_given(tmp_path: Path) -> None:
    """Antenna 7 does not connect below -50 dBm: it reaches no tile. Given settings are those of all antennas."""
    antennas = ANTENNA * 6 + ANTENNA.replace("-85", "-50") + ANTENNA * 2
    folder = simulator(tmp_path, antennas=f"<antennas>{antennas}</antennas>")
    assert write_cell_plan(folder, tmp_path / "out", tile_m=250.0).cells == 1
    given = AntennaSettings(least_dbm=-90.0, middle_dbm=-76.0, steepness=0.5)
    written = write_cell_plan(folder, tmp_path / "out", tile_m=250.0, antennas=given)
    assert written.cells == 2
    (folder / "antennas.xml").unlink()
    assert write_cell_plan(folder, tmp_path / "again", tile_m=250.0, antennas=given).path.read_bytes() == (
        written.path.read_bytes()
    )
    with pytest.raises(InputError, match="is simulated; found --origin real"):
        write_cell_plan(folder, tmp_path / "out", tile_m=250.0, antennas=given, data_origin="real")


def test_a_network_of_the_pipeline_says_whether_it_is_real(tmp_path: Path) -> None:
    path = network(tmp_path / "sample_mno_network.parquet", {})
    with pytest.raises(InputError, match="does not say whether it is real; expected --origin real or simulated"):
        write_cell_plan(path, tmp_path / "out", tile_m=100.0)
    for origin, name in (("real", "cell_plan_multimno.csv"), ("simulated", "simulated_cell_plan_multimno.csv")):
        assert write_cell_plan(path, tmp_path / "out", tile_m=100.0, data_origin=origin).path.name == name  # type: ignore[arg-type]
    with pytest.raises(InputError, match="settings of antennas are of a network of the simulator"):
        write_cell_plan(
            path, tmp_path / "out", tile_m=100.0, data_origin="real", antennas=AntennaSettings(least_dbm=-90.0)
        )


def test_a_network_of_the_pipeline_is_a_plan_that_is_taken_in(tmp_path: Path) -> None:
    """Rows of two days say the same; the centres of two zones lie west and east."""
    rows: list[dict[str, object]] = [{}, {"cell_id": "123456789012346", "longitude": -2.97}]
    path = network(tmp_path / "sample_mno_network.parquet", *rows, *rows)
    centres = tmp_path / "centres.csv"
    centres.write_text("zone,longitude,latitude\nW1,-3.01,40\nE1,-2.96,40\n")
    written = write_cell_plan(path, tmp_path / "out", tile_m=100.0, zones=centres, data_origin="real")
    reading = read_cell_plan(written.path.read_bytes(), name=written.path.name, load_id="0" * 16)
    assert reading.accepted.select("provider", "zone").rows() == [("multimno", "W1"), ("multimno", "E1")]
    assert reading.accepted["easting_m"].to_list() == pytest.approx([-1277.7, 1277.7], abs=1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latitude": 91.0}, "row 2, latitude 91.0; expected degrees"),
        ({"cell_id": "12"}, "row 2, cell_id '12'; expected 14 or 15 digits"),
        ({"power": -1.0}, "row 2, power -1.0; expected watts"),
        ({"directionality": 1}, "row 2, azimuth_angle None; expected degrees of a directed cell"),
        ({"range": None}, "row 2, range None; expected metres"),
        ({"longitude": -2.0}, "has rows that differ"),
    ],
)
def test_a_fault_of_the_pipeline_names_row_and_column(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_network(network(tmp_path / "network.parquet", {}, change))
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(InputError, match="not Parquet"):
        read_network(tmp_path / "text.parquet")


def test_devices_of_the_simulator_are_where_the_posterior_says(tmp_path: Path) -> None:
    """90 % of the positions lie within the most probable tiles of 90 %, and four in five in the zone of the plan."""
    folder = Settings().shared / "data" / "phones" / "simulated_mno_events"
    if not folder.is_dir():
        pytest.skip(f"no files of the simulator in {folder} (set ONS_BIGDATA_SHARED)")
    grid = read_grid(folder / "grid.csv")
    zones = read_regions(folder / "regions.csv", grid)
    antennas = read_antennas(folder / "antennas.xml")
    assert (antennas.height, antennas["least_dbm"].unique().to_list()) == (70, [-85.0])
    assert antennas.filter(pl.col("cell") == "11").rows() == [("11", -85.0, -91.0, 3.0)]
    signals = read_signals(folder / "SignalMeasure_MNO1.csv.gz", grid, least_dbm=-85.0).join(antennas, on="cell")
    posterior = locate_cells(serving_probabilities(signals), grid.tiles().select("tile", weight=pl.lit(1.0)))
    events = read_simulator_events(gzip.decompress((folder / "AntennaInfo_MNO_MNO1.csv.gz").read_bytes()))
    events = events.with_columns(pl.col("cell").cast(pl.String))
    before = pl.col("probability").cum_sum().over("cell") - pl.col("probability")
    ranked = posterior.sort("cell", "probability", descending=[False, True]).with_columns(before=before)
    within = events.join(ranked, on=["cell", "tile"], how="left")["before"]
    assert 0.90 <= float((within < 0.9).fill_null(value=False).mean() or 0) <= 0.98
    assert 0.45 <= float((within < 0.5).fill_null(value=False).mean() or 0) <= 0.60
    plan = describe_cells(signals, grid.tiles(), zones=zones).select("cell", best="zone")
    placed = events.join(zones, on="tile").join(plan, on="cell", how="left")
    assert float((placed["zone"] == placed["best"]).fill_null(value=False).mean() or 0) > 0.8
    written = write_cell_plan(folder, tmp_path, tile_m=250.0)
    assert (written.cells, written.cells_with_zone) == (70, 70)
