"""Published files: flows of phone users, census tables, areas, Spanish trips, outputs of the European pipeline."""

from __future__ import annotations

import gzip
import io
from datetime import date

import polars as pl
import pytest

from ons_bigdata.phones.sources import SOURCES, census_flows, zone_files
from ons_bigdata.phones.sources.deliveries import mobility_trips, pipeline_counts, published_flows
from ons_bigdata.phones.sources.device_files import read_pipeline_events
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.settings import Settings

LOAD = "0" * 16
SHARED = Settings().shared / "data" / "phones"


def shared(name: str) -> bytes:
    """Return the unpacked content of a shared file; skip where it is missing."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no {path}")
    content = path.read_bytes()
    return gzip.decompress(content) if name.endswith(".gz") else content


def test_the_leeds_table_has_the_published_totals() -> None:
    reading = census_flows.read_census_flows(shared("leeds_msoa_od_2011.csv"), load_id=LOAD)
    within = reading.accepted.filter(pl.col("origin") == pl.col("destination"))["persons"].sum()
    assert (reading.accepted.height, reading.quarantined.height) == (10_536, 0)
    assert (reading.accepted["persons"].sum(), within) == (236_326, 20_237)
    assert reading.accepted["from_home"].sum() == 0  # 0 for every pair: the trap of the table


def test_the_columns_of_the_national_table_are_read() -> None:
    reading = census_flows.read_census_flows(shared("stplanr_od_data_sample.csv"), load_id=LOAD)
    assert (reading.accepted.height, reading.quarantined.height) == (64, 0)


def test_the_series_of_districts_is_read() -> None:
    reading = census_flows.read_census_flows(shared("ew_lad20x_commuting_1991_2001_2011.csv.gz"), load_id=LOAD)
    years = reading.accepted["census_year"].unique().sort().to_list()
    assert (reading.accepted.height, reading.quarantined.height, years) == (181_831, 0, [1991, 2001, 2011])


def test_phone_users_are_read_and_their_areas_have_districts() -> None:
    name = "england_msoa_travel_to_work_phone_users_2021-11.csv"
    flows = published_flows.read_published_flows(shared(f"{name}.gz"), name=name, load_id=LOAD).accepted
    assert (flows.height, flows["users"].sum(), flows["month"].unique().to_list()) == (
        323_614,
        630_946,
        [date(2021, 11, 1)],
    )
    zones = zone_files.read_zones(shared("census2021_msoa_age5.csv.gz"), load_id=LOAD).accepted
    codes = dict(zones.select("code", "district_name").iter_rows())
    assert zones["district_name"].null_count() == 0
    assert {code for code in flows["origin"].unique() if code not in codes} == set()
    districts = {codes[code] for code in flows["origin"].unique()}
    official = zone_files.read_zones(shared("lad20x_names.csv"), load_id=LOAD).accepted["name"]
    assert len(districts & set(official)) == 304


HEADER = "O,D,all,from_home,light_rail,train,bus,taxi,motorbike,car_driver,car_passenger,bicycle,foot,other"


@pytest.mark.parametrize(
    ("code", "kind"), [*census_flows.SPECIAL.items(), ("E02000002", "zone"), ("W02000002", "zone")]
)
def test_codes_without_area_are_kept_with_their_meaning(code: str, kind: str) -> None:
    row = f"E02000001,{code},3,0,0,0,0,0,0,3,0,0,0,0"
    reading = census_flows.read_census_flows(f"{HEADER}\n{row}\n".encode(), load_id=LOAD)
    assert reading.accepted["destination_kind"].to_list() == [kind]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("E02000001,OD0000009,3,0,0,0,0,0,0,3,0,0,0,0", "a code without area"),
        ("E02000001,E02000002,,0,0,0,0,0,0,3,0,0,0,0", "a blank is no zero"),
        ("E02000001,E02000002,4,0,0,0,0,0,0,3,0,0,0,0", "its modes add to another number"),
        ("E02000001,E02000002,-3,0,0,0,0,0,0,3,0,0,0,0", "a whole number"),
    ],
    ids=["code", "blank", "sum", "negative"],
)
def test_a_faulty_row_of_a_census_table_is_quarantined(row: str, reason: str) -> None:
    reading = census_flows.read_census_flows(f"{HEADER}\n{row}\n".encode(), load_id=LOAD)
    assert (reading.accepted.height, reading.quarantined.height) == (0, 1)
    assert reason in reading.quarantined["reason"][0]


TRIPS = (
    "fecha|periodo|origen|destino|distancia|actividad_origen|actividad_destino|estudio_origen_posible|"
    "estudio_destino_posible|residencia|renta|edad|sexo|viajes|viajes_km\n"
    "20230110|07|01001|externo|10-50|casa|trabajo_estudio|no|si|01|10-15|25-45|mujer|12.5|310.2\n"
    "20230110|08|01001|01002|0.5-2|casa|frecuente|no|no|01|NA|NA|NA|4|6\n"
    "20230110|25|01001|NA|0.5-2|casa|frecuente|no|no|01|NA|NA|NA|4|6\n"
)


@pytest.mark.parametrize("separator", ["|", ","])
def test_spanish_trips_are_trips_and_na_is_missing(separator: str) -> None:
    content = TRIPS.replace("|", separator).encode()
    assert mobility_trips.is_mobility_file(content)
    reading = mobility_trips.read_mobility_trips(content, load_id=LOAD)
    columns = ["month", "hour", "destination", "age", "sex", "study_destination", "trips"]
    assert reading.accepted.select(columns).rows() == [
        (date(2023, 1, 1), 7, "externo", "25-45", "mujer", True, 12.5),
        (date(2023, 1, 1), 8, "01002", None, None, False, 4.0),
    ]
    assert "PERIODO '25'; expected an hour" in reading.quarantined["reason"][0]
    assert "DESTINO 'NA'; expected a zone" in reading.quarantined["reason"][0]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_trips_in_parts_are_those_of_the_whole_file(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Every part of one line and more, with the lines of the file; a broken line and a wrong header among them."""
    header, *rows = TRIPS.splitlines()
    text = "\n".join([header, *(rows * 7), "20230110|9", *rows]) + end.replace("\r", "")
    content = text.replace("\n", "\r\n" if "\r" in end else "\n").encode()
    whole = mobility_trips.read_mobility_trips(content, load_id=LOAD)
    assert (whole.accepted.height, whole.quarantined.height) == (16, 9)
    for size in (0, 60, 100, 333, 1_000):
        monkeypatch.setattr(mobility_trips, "PART_BYTES", size)
        made = mobility_trips.read_mobility_trips(content, load_id=LOAD)
        assert made.accepted.equals(whole.accepted) and made.accepted.schema == whole.accepted.schema
        assert made.quarantined.equals(whole.quarantined)
    assert mobility_trips.read_mobility_trips(b"fecha|periodo\n1|2\n", load_id=LOAD).outcome == "refused"


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_minus_one_of_the_pipeline_is_suppressed(form: str) -> None:
    frame = pl.DataFrame(
        {
            "previous_zone": ["a", "a", "b", ""],
            "new_zone": ["a", "b", "a", "b"],
            "migration": [12.5, -1.0, -2.0, 3.0],
            "start_date_new": [date(2023, 7, 1)] * 4,
            "dataset_id": ["nuts"] * 4,
            "level": [1] * 4,
        }
    )
    if form == "parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        content = buffer.getvalue()
    else:
        content = frame.write_csv().encode()
    reading = pipeline_counts.read_pipeline_counts(content, load_id=LOAD)
    assert reading.accepted.select("from_zone", "zone", "persons", "status").rows() == [
        ("a", "a", 12.5, "observed"),
        ("a", "b", None, "suppressed"),
    ]
    assert reading.quarantined["reason"].to_list() == [
        "count -2.0; expected a number from 0, or -1 where suppressed",
        "no zone",
    ]
    assert reading.rows_in == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("phone_census_flows", f"{HEADER}\n".encode()),
        ("phone_trips", TRIPS.encode()),
        ("phone_published_flows", b"MSOA21CD_home,county_home,MSOA21CD_work,county_work,count\n"),
        ("phone_zones", b"code,name\n"),
        ("phone_pipeline_counts", b"zone_id,weighted_device_count,start_date,label\n"),
    ],
)
def test_a_published_file_is_recognised_by_a_single_source(name: str, content: bytes) -> None:
    adapters = {source.name: source.adapter(Settings().dbt_project_dir) for source in loadable(SOURCES)}
    recognised = [source for source, adapter in adapters.items() if adapter.recognise("file.csv", content) is not None]
    assert recognised == [name]


def test_faulty_events_of_the_pipeline_have_a_reason() -> None:
    path = SHARED / "multimno_sample" / "sample_mno_events.parquet"
    if not path.exists():
        pytest.skip(f"no {path}")
    events = read_pipeline_events(path.read_bytes())
    counts = dict(events["reason"].drop_nulls().value_counts().iter_rows())
    good = events.filter(pl.col("reason").is_null())
    assert (events.height, events["device"].n_unique()) == (1_823, 11)
    assert counts == {"no_device": 594, "wrong_cell": 409}
    assert (good.height, good["device"].n_unique()) == (820, 5)
    assert good.select(pl.col("device", "at_utc", "cell").null_count()).row(0) == (0, 0, 0)


def test_the_rural_urban_lookup_of_2011_is_read_and_its_faults_are_quarantined() -> None:
    """Columns of the published lookup; the name of the class is that of its code, however it is spelt."""
    rows = [
        "E02000001,City of London 001,A1,Urban major conurbation ,1",
        "E02000002,Barking and Dagenham 001,D2,rural town and Fringe in a sparse setting,2",
        "W02000001,Isle of Anglesey 001,E1,Rural village and dispersed,3",
        "E02000003,Barking and Dagenham 002,F1,Rural hamlets and isolated dwellings,4",
        "E02000004,Barking and Dagenham 003,A1,Urban city and town,5",
        "E02000001,City of London 001,A1,Urban major conurbation,6",
    ]
    content = "\n".join(["MSOA11CD,MSOA11NM,RUC11CD,RUC11,FID", *rows, ""]).encode()
    reading = zone_files.read_zones(content, load_id=LOAD)
    assert reading.accepted.select("code", "district_name", "rurality").rows() == [
        ("E02000001", "City of London", "Urban major conurbation"),
        ("E02000002", "Barking and Dagenham", "Rural town and fringe in a sparse setting"),
        ("W02000001", "Isle of Anglesey", "Rural village and dispersed"),
    ]
    assert reading.quarantined["line"].to_list() == [5, 6, 7]
    first, second, third = reading.quarantined["reason"].to_list()
    assert "RUC11CD 'F1'; expected one of A1, B1" in first
    assert second == "RUC11 'Urban city and town' is not the name of the class 'A1'"
    assert "came before" in third
