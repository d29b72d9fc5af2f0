"""Files of events of devices: each format, faults with their reasons, pseudonyms, and any bytes."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.phones.schemas.device_events import DeviceEvent
from ons_bigdata.phones.sources.devices import event_formats as formats
from ons_bigdata.phones.sources.devices.event_files import DEVICE_EVENTS, read_batches, recognise
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.platform.pseudonyms import PseudonymKey, pseudonyms
from ons_bigdata.settings import Settings

KEY = PseudonymKey(bytes(range(32)))
NAME = "device_events_alpha_2021-03-01.csv"
CSV = b"""device,at_utc,cell,home_mcc,visited_mcc
a1,2021-03-01T08:00:00Z,c1,234,
a1,2021-03-01 09:00:00.5+00:00,c2,,
a2,2021-03-02T10:00:00Z,,234,208
,2021-03-01T08:00:00Z,c1,,
a1,,c1,,
a1,2021-02-30T08:00:00Z,c1,,
a1,2021-03-01T08:00:00+01:00,c1,,
a1,2021-03-01T08:00:00Z,,,
a1,2021-03-01T08:00:00Z,c 1,,
a1,2021-03-01T08:00:00Z,c1,2344,
a1,2021-03-01T08:00:00Z,c1
a1,2021-03-01T08:00:00Z,"c1",,
\xff\xfe,2021-03-01T08:00:00Z,c1,,
"""
ANTENNA = b"""t,Antenna ID,Event Code,Device ID,x,y, Tile ID
0,28,0,715,4017.3,7033.9,1136
10,28,1,715,4017.3,7033.9,1136
20,30,0,715,4017.3,7033.9,1136
x,30,0,715,4017.3,7033.9,1136
"""


def batches(content: bytes, name: str = NAME) -> list[Batch]:
    return list(read_batches(io.BytesIO(content), name, key=KEY))


def parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(columns).write_parquet(out)
    return out.getvalue()


def test_rows_of_the_documented_csv_and_their_faults() -> None:
    [batch] = batches(CSV)
    assert batch.rows_in == 13
    key = pseudonyms(pl.Series(["a1", "a2"]), source="alpha device", key=KEY)
    assert batch.accepted.rows() == [
        (2, date(2021, 3, 1), "csv", "real", "alpha", key[0], datetime(2021, 3, 1, 8, tzinfo=UTC), "c1", 234, None),
        (
            *(3, date(2021, 3, 1), "csv", "real", "alpha", key[0]),
            *(datetime(2021, 3, 1, 9, 0, 0, 500_000, tzinfo=UTC), "c2", None, None),
        ),
        (4, date(2021, 3, 2), "csv", "real", "alpha", key[1], datetime(2021, 3, 2, 10, tzinfo=UTC), None, 234, 208),
    ]
    assert dict(batch.quarantined.iter_rows()) == {
        5: formats.NO_DEVICE,
        6: formats.NO_TIME,
        7: formats.WRONG_TIME,
        8: formats.WRONG_TIME,
        9: formats.NO_PLACE,
        10: formats.WRONG_CELL,
        11: formats.WRONG_NETWORK,
        12: formats.FIELDS,
        13: formats.QUOTED,
        14: formats.NO_TEXT,
    }
    assert set(batch.accepted.columns) == set(DEVICE_EVENTS.columns) - {"load_id"}
    DeviceEvent.validate(batch.accepted.with_columns(load_id=pl.lit("0" * 16)).select(DeviceEvent.column_names()))


def test_a_file_in_parts_is_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = b"".join(b"d%d,2021-03-01T08:%02d:00Z,c1\n" % (n, n % 60) for n in range(40_000))
    content = b"device,at_utc,cell\n" + rows
    [whole] = batches(content)
    monkeypatch.setattr(formats, "_BATCH_LINES", 1_000)
    parts = batches(content)
    assert len(parts) > 2
    assert pl.concat([part.accepted for part in parts]).equals(whole.accepted)
    assert whole.accepted["line"].to_list() == list(range(2, 40_002))


def test_parquet_has_the_rows_of_the_csv_and_needs_utc() -> None:
    times = [datetime(2021, 3, 1, 8, tzinfo=UTC), None]
    at = pl.Series(times, dtype=pl.Datetime("us", "UTC"))
    content = parquet(device=[7, 8], at_utc=at, cell=["c1", "c1"])
    [batch] = batches(content, "device_events_alpha.parquet")
    key = pseudonyms(pl.Series(["7"]), source="alpha device", key=KEY)[0]
    assert batch.accepted.select("line", "format", "device_key", "cell").rows() == [(1, "parquet", key, "c1")]
    assert batch.quarantined.rows() == [(2, formats.WRONG_TIME)]
    with pytest.raises(InputError, match="expected microseconds with zone UTC"):
        batches(parquet(device=[7], at_utc=[date(2021, 3, 1)], cell=["c"]), "device_events_alpha.parquet")
    with pytest.raises(InputError, match="missing columns cell"):
        batches(parquet(device=[7], at_utc=at[:1]), "device_events_alpha.parquet")
    with pytest.raises(InputError, match="not Parquet"):
        batches(content[:200], "device_events_alpha.parquet")


def test_seconds_of_the_simulator_are_times_from_a_convention() -> None:
    [batch] = batches(ANTENNA, "AntennaInfo_MNO_MNO1.csv")
    assert batch.rows_in == 3  # the end of a connection is no event
    assert batch.accepted.select("line", "data_origin", "provider", "cell").rows() == [
        (2, "simulated", "mno1", "28"),
        (4, "simulated", "mno1", "30"),
    ]
    assert batch.accepted["at_utc"].to_list()[1] == datetime(2020, 1, 1, 0, 0, 20, tzinfo=UTC)
    assert batch.quarantined.rows() == [(5, formats.WRONG_SECOND)]


def test_files_are_recognised_by_name_and_beginning() -> None:
    assert recognise(NAME, CSV) == Recognised("csv", "real", None)
    assert recognise(f"simulated_{NAME}", CSV) == Recognised("csv", "simulated", None)
    assert recognise("AntennaInfo_MNO_MNO1.csv", ANTENNA) == Recognised("essnet", "simulated", None)
    for name, head in ((NAME, b"a,b\n"), ("events.csv", CSV), ("device_events_alpha.parquet", CSV), (NAME, b" ")):
        assert isinstance(recognise(name, head), Refused)


def test_simulated_devices_and_those_of_other_providers_have_other_pseudonyms() -> None:
    names = (NAME, f"simulated_{NAME}", NAME.replace("alpha", "beta"))
    assert len({batches(CSV, name)[0].accepted["device_key"][0] for name in names}) == 3


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_reasons(content: bytes) -> None:
    for batch in batches(b"device,at_utc,cell\n" + content):
        assert batch.rows_in == batch.accepted.height + batch.quarantined.height


def test_events_of_the_simulator_of_the_essnet() -> None:
    path = Settings().shared / "data" / "phones" / "simulated_mno_events" / "AntennaInfo_MNO_MNO1.csv.gz"
    if not path.is_file():
        pytest.skip(f"no {path} (set ONS_BIGDATA_SHARED)")
    import gzip  # noqa: PLC0415

    made = batches(gzip.decompress(path.read_bytes()), "AntennaInfo_MNO_MNO1.csv")
    accepted = pl.concat([batch.accepted for batch in made])
    assert accepted["device_key"].n_unique() == 218
    assert sum(batch.quarantined.height for batch in made) == 0


def test_events_of_the_sample_of_multimno() -> None:
    path = Settings().shared / "data" / "phones" / "multimno_sample" / "sample_mno_events.parquet"
    if not path.is_file():
        pytest.skip(f"no {path} (set ONS_BIGDATA_SHARED)")
    for name, origin in ((f"simulated_{path.name}", "simulated"), (path.name, "real")):
        assert recognise(name, path.read_bytes()[:1000]) == Recognised("multimno", origin, None)
    [batch] = batches(path.read_bytes(), f"simulated_{path.name}")
    assert batch.rows_in == 1_823
    reasons = dict(batch.quarantined["reason"].value_counts().iter_rows())
    assert reasons[formats.NO_DEVICE] == 594  # deliberate nulls, which come first
    assert batch.accepted["device_key"].n_unique() <= 11
