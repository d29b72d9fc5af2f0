"""Archives of events: each format with its traps, control lines, quarantine, lines and blocks."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.ingest import lines
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.platform.pseudonyms import pseudonyms
from ons_bigdata.tweets.schemas.events import GeoEvent
from ons_bigdata.tweets.sources import event_json
from ons_bigdata.tweets.sources.archives import GEO_EVENTS, is_by_line, read_batches, recognise
from ons_bigdata.tweets.sources.event_json import CONTROLS
from ons_bigdata.tweets.sources.event_rows import RawRows
from tests.tweets.sources.written_events import ACTIVITY, CSV, KEY, LAT, LON, V1, V2, changed, only, read, reasons

CHECK_IN = "0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847"


def pseudonym(text: str, source: str = "twitter") -> int:
    return int(pseudonyms(pl.Series([text]), source=source, key=KEY)[0])


def test_a_post_of_the_v2_api_to_follow_by_hand() -> None:
    assert only(read(V2)) == {
        "line": 1,
        "event_day": date(2021, 1, 6),
        "source": "twitter",
        "data_origin": "real",
        "event_id": pseudonym("1346889436626259968", "twitter event"),
        "user_key": pseudonym("2244994945"),
        "ts_utc": datetime(2021, 1, 6, 18, 40, 40, tzinfo=UTC),
        "lon": LON,
        "lat": LAT,
        "accuracy_m": None,
        "client": "Twitter Web App",
        "place_country": "GB",
        "lang": "en",
    }


def test_an_event_is_the_same_in_v1_and_in_an_activity_stream() -> None:
    status, activity = only(read(V1)), only(read(ACTIVITY))
    assert status["ts_utc"] == datetime(2014, 8, 27, 13, 8, 45, 120_000, tzinfo=UTC)
    assert activity["ts_utc"] == datetime(2014, 8, 27, 13, 8, 45, tzinfo=UTC)
    assert {**status, "ts_utc": None} == {**activity, "ts_utc": None}
    assert (status["lon"], status["lat"], status["client"], status["place_country"]) == (
        LON,
        LAT,
        "Twitter for iPhone",
        "GB",
    )
    assert status["event_id"] == pseudonym("504604925713076225", "twitter event")  # the text, not the number


def test_the_formats_mix_in_a_file() -> None:
    batch = read(V2, V1, ACTIVITY, {"delete": {"status": {"id": 1}}})
    assert batch.accepted["line"].to_list() == [1, 2, 3]
    assert reasons(batch) == [(4, "control line: delete")]


def test_the_older_geo_of_v1_is_latitude_first_and_must_agree() -> None:
    row = only(read(changed(V1, coordinates=None)))
    assert (row["lon"], row["lat"]) == (LON, LAT)
    swapped = changed(V1, geo={"type": "Point", "coordinates": [LON, LAT]})
    assert reasons(read(swapped)) == [(1, "coordinates and geo differ")]


def test_time_of_v1_is_that_in_milliseconds_or_else_the_text() -> None:
    row = only(read(changed(V1, timestamp_ms=...)))
    assert row["ts_utc"] == datetime(2014, 8, 27, 13, 8, 45, tzinfo=UTC)
    both = read(changed(V1, timestamp_ms=...), V1).accepted["ts_utc"].to_list()
    assert [time.microsecond for time in both] == [0, 120_000]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (changed(V1, coordinates=None, geo=None), "no coordinates"),
        (changed(V2, data={**V2["data"], "geo": {"place_id": "01a9a39529b27f36"}}), "no coordinates"),
        (changed(ACTIVITY, geo=...), "no coordinates"),
        (changed(V1, user={"name": "A"}), "no user id, or one of another form than the format's"),
        (changed(ACTIVITY, actor={"id": "id:twitter.com:"}), "no user id, or one of another form than the format's"),
        (changed(V1, id_str=..., id=...), "no event id, or one of another form than the format's"),
        (changed(V1, timestamp_ms="soon"), "no time, or one of another form than the format's"),
        (changed(V1, timestamp_ms=..., created_at="2014"), "no time, or one of another form than the format's"),
        (changed(V1, geo=..., coordinates={"coordinates": [LAT, 151.0]}), "coordinates that are no position on Earth"),
        (changed(V1, geo=..., coordinates={"coordinates": ["0", "51"]}), "a field of another type than the format's"),
        (changed(V1, timestamp_ms="-1", created_at=...), "no time, or one of another form than the format's"),
        (changed(V1, timestamp_ms="9" * 18, created_at=...), "no time, or one of another form than the format's"),
        (changed(V2, data=[V2["data"]]), "a page of events; expected one event a line"),
        ({"text": "51.5"}, "JSON of no known format"),
        ("", "control line: keep-alive"),
        ("\r", "control line: keep-alive"),
        ('{"user": {"id": 12', "no JSON, or a line that was cut short"),
        ("[1, 2]", "a field of another type than the format's"),
        (json.dumps({"limit": {"track": 3}}), "control line: limit"),
        (json.dumps({"scrub_geo": {"user_id": 1, "up_to_status_id": 2}}), "control line: scrub_geo"),
        (json.dumps({"info": {"message": "Replay Request Completed"}}), "control line: info"),
        (json.dumps({"errors": [{"title": "operational-disconnect"}]}), "control line: errors"),
        (json.dumps({"event": "block", "source": {"id": 1}}), "control line: event"),
    ],
)
def test_what_is_no_event_is_quarantined_with_its_reason(line: object, reason: str | None) -> None:
    batch = read(V1, line)  # type: ignore[arg-type]
    assert reasons(batch) == ([] if reason is None else [(2, reason)])
    assert batch.rows_in == 2


def test_every_control_line_is_named() -> None:
    batch = read(V1, *({key: {"x": 1}} for key in CONTROLS))
    assert [reason for _, reason in reasons(batch)] == [f"control line: {key}" for key in CONTROLS]


def test_the_pilots_csv_is_read_from_both_ends() -> None:
    row = only(read(CSV))
    assert (row["lat"], row["lon"], row["place_country"], row["lang"]) == (51.507351, -0.127758, "GB", "en")
    assert row["user_key"] == pseudonym("6253283")
    assert row["ts_utc"] == datetime(2014, 8, 27, 13, 8, 45, tzinfo=UTC)
    commas = "1409144925,6253283,Ann, Bo,en,London, UK,Camden, London,GB,51.507351,-0.127758,yes, no, 12,5"
    row = only(read(commas))
    assert (row["lat"], row["lon"], row["place_country"], row["lang"]) == (51.507351, -0.127758, "GB", None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a continued text, of several lines", "no unix time and user id at the beginning"),
        ("1409144925,6253283,Ann,en,London,Camden,GB,,,a day", "no coordinates"),
        (
            "1409144925,6253283,Ann,en,London,Camden,GB,51,0,a day",
            "no latitude and longitude between the country and the text",
        ),
        (
            "1409144925,6253283,Ann,en,London,Camden,GB,51.5,-0.1,from 1.5,2.5,3",
            None,
        ),
        (
            "1409144925,6253283,Ann,en,London,Camden,GB,51.5,-0.1,1.5,2.5,3",
            "several readings: more than one latitude and longitude",
        ),
        (
            "1409144925,6253283,Ann,en,0.5,51.5,-0.1,a day",
            "several readings: more than one latitude and longitude",
        ),
        ("1409144925,6253283,Ann,en,London,Camden,GB,151.5,-0.1,a", "coordinates that are no position on Earth"),
    ],
)
def test_a_line_of_the_csv_with_several_readings_is_not_guessed(line: str, reason: str | None) -> None:
    batch = read(CSV, line)
    assert reasons(batch) == ([] if reason is None else [(2, reason)])


def test_check_ins_with_tabs_or_commas_and_a_header() -> None:
    row = only(read(CHECK_IN, name="loc-gowalla_totalCheckins.txt"))
    assert (row["source"], row["lat"], row["lon"]) == ("gowalla", 30.2359091167, -97.7951395833)
    assert row["ts_utc"] == datetime(2010, 10, 19, 23, 55, 27, tzinfo=UTC)
    assert row["user_key"] == pseudonym("0", "gowalla")
    batch = read(
        "user,check-in time,latitude,longitude,location id",
        CHECK_IN.replace("\t", ","),
        CHECK_IN,
        "1\t\t\t\t",
        "1\t2010-10-19T23:55:27Z\tx\t0.0\t7",
        "1\t2010-10-19T23:55:27Z\t1.0",
        name="simulated_brightkite_checkins.csv",
    )
    assert reasons(batch) == [
        (1, "control line: header"),
        (4, "no coordinates"),
        (5, "latitude or longitude that is no number"),
        (6, "another number of fields than user, time, latitude, longitude, location"),
    ]
    assert batch.accepted["event_id"].n_unique() == 1
    assert set(batch.accepted["data_origin"]) == {"simulated"}
    assert set(batch.accepted["user_key"]) == {pseudonym("0", "simulated brightkite")}


def test_the_last_line_of_a_table_needs_its_end() -> None:
    content = f"{CHECK_IN}\n{CHECK_IN}".encode()
    batches = list(read_batches(io.BytesIO(content), "gowalla_checkins.txt", key=KEY))
    assert [reason for batch in batches for _, reason in reasons(batch)] == [
        "last line without a line end: its last value may be cut short"
    ]


def test_files_are_recognised_by_name_and_first_line() -> None:
    assert recognise("simulated_v2.jsonl", b'\xef\xbb\xbf\r\n{"data": {}}') == Recognised("twitter", "simulated", None)
    assert recognise("tweets.csv", CSV.encode()) == Recognised("twitter", "real", None)
    assert recognise("loc-brightkite_totalCheckins.txt", b"0\t1") == Recognised("brightkite", "real", None)
    assert isinstance(recognise("notes.txt", b"some text"), Refused)
    assert recognise("empty.jsonl", b"") == Refused("no bytes")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\n \r\n", "nothing but blank lines"),
        (b'\xef\xbb\xbf [{"data": {}},', "a JSON array"),
        (b'{\r\n  "data": {', "JSON over several lines"),
        ('{"data": {}}'.encode("utf-16"), "text in UTF-16"),
    ],
)
def test_the_refusal_of_another_form_says_which_was_found(head: bytes, found: str) -> None:
    refused = recognise("posts.json", head)
    assert isinstance(refused, Refused)
    assert refused.reason.startswith(f"found {found}; expected posts as lines of JSON")
    assert isinstance(recognise("tweet_stream_20140401T000000Z_000000003.jsonl", b"\n"), Recognised)


def test_accepted_rows_are_those_of_the_lake_table() -> None:
    accepted = read(V2, V1, ACTIVITY).accepted.with_columns(load_id=pl.lit("0" * 16))
    assert dict(accepted.select(list(GEO_EVENTS.columns)).schema) == dict(GEO_EVENTS.columns)
    GeoEvent.validate(accepted.select(list(GEO_EVENTS.columns)))


@given(st.lists(st.binary(max_size=60)), st.sampled_from(["a.jsonl", "gowalla_checkins.txt", "pilot.csv"]))
def test_no_content_breaks_a_reader_and_no_line_is_lost(texts: list[bytes], name: str) -> None:
    first = {"a.jsonl": json.dumps(V1), "gowalla_checkins.txt": CHECK_IN, "pilot.csv": CSV}[name]
    content = b"\n".join([first.encode(), *texts]) + b"\n"
    batches = list(read_batches(io.BytesIO(content), name, key=KEY))
    assert sum(batch.rows_in for batch in batches) == content.count(b"\n")
    numbers = [line for batch in batches for rows in (batch.accepted, batch.quarantined) for line in rows["line"]]
    assert sorted(numbers) == list(range(1, content.count(b"\n") + 1))


@given(st.data())
@pytest.mark.parametrize(
    ("name", "lines_of_format"),
    [
        ("a.jsonl", [json.dumps(line) for line in (V1, V2, ACTIVITY)] + ["", '{"delete": {}}', "{", "\ufeff{}"]),
        ("gowalla_checkins.txt", ["user\ttime\tlat\tlon\tplace", CHECK_IN, "\ufeff" + CHECK_IN, "", "a\tb"]),
        ("pilot.csv", [CSV, "\ufeff" + CSV, "1409144925,6253283,no position", ""]),
    ],
)
def test_lines_after_the_first_are_read_alone_as_with_the_others(
    name: str, lines_of_format: list[str], data: st.DataObject
) -> None:
    first = lines_of_format[0]
    later = data.draw(st.lists(st.sampled_from(lines_of_format), min_size=1, max_size=8))
    end = data.draw(st.sampled_from(["\n", ""]))
    content = ("\n".join([first, *later]) + end).encode()
    place = data.draw(st.integers(1, len(later)))
    cut = len("".join(line + "\n" for line in [first, *later][:place]).encode())
    assert is_by_line(name, content)

    def rows(batches: list[Batch], before: int) -> list[tuple]:
        frames = [frame for batch in batches for frame in (batch.accepted, batch.quarantined)]
        return sorted(row for frame in frames for row in frame.with_columns(pl.col("line") + before).rows())

    whole = list(read_batches(io.BytesIO(content), name, key=KEY))
    begin = list(read_batches(io.BytesIO(content[:cut]), name, key=KEY))
    rest = list(read_batches(io.BytesIO(content[cut:]), name, content, key=KEY))
    assert rows(begin, 0) + rows(rest, place - 1) == rows(whole, 0)


@given(st.lists(st.binary(max_size=30).filter(lambda text: b"\n" not in text)), st.integers(1, 50), st.booleans())
def test_blocks_of_any_size_have_the_lines_of_the_stream(texts: list[bytes], size: int, ends: bool) -> None:
    content = b"\n".join(texts) + (b"\n" if ends and texts else b"")
    blocks = list(lines.read_blocks(io.BytesIO(content), block_bytes=size))
    found = [line for block in blocks for line in block.lines]
    expected = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert found == (expected[:-1] if expected[-1] == b"" else expected)
    starts = [block.first_line for block in blocks]
    assert starts == [1 + sum(len(block.lines) for block in blocks[:place]) for place in range(len(blocks))]


PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b'{"id":"1"',
        b'"',
        b":",
        b",",
        b" ",
        b"\\",
        b"\r",
        b"\n",
        b'{"data":{"id":"7"}}',
        b'"a":{}',
        b'{"user":{}}',
    ]
)


@given(st.lists(PIECES, max_size=12))
def test_lines_decoded_together_are_those_decoded_one_by_one(pieces: list[bytes]) -> None:
    block = lines.Block(1, b"".join(pieces))
    together, alone = RawRows(), RawRows()
    event_json.read_json_lines(block, together)
    for number, text in enumerate(block.lines, 1):
        event_json.read_json_lines(lines.Block(number, text), alone)
    order = ["line"]
    assert together.faults == alone.faults
    assert together.frame().sort(order).equals(alone.frame().sort(order))


@pytest.mark.parametrize(
    "content",
    [
        b'{"user":\n{}}\n{"user":{}} {"user":{}}',
        b'{"id":{}\n{"user":{}}\n{"user":{}} {"user":{}}',
        b'{"id":"}\n{"}\n{} {}',
        b'{"user":{}}\r\n{"user":{}} {}\r\n{"a":1',
        b"{} {}\n\n{}",
        b'{}\n{"user":{}}{"user":{}}',
    ],
)
def test_objects_never_go_on_over_a_line_end(content: bytes) -> None:
    block = lines.Block(1, content)
    together, alone = RawRows(), RawRows()
    event_json.read_json_lines(block, together)
    for number, text in enumerate(block.lines, 1):
        event_json.read_json_lines(lines.Block(number, text), alone)
    assert together.faults == alone.faults
    assert together.frame().equals(alone.frame())


def test_a_line_that_is_too_long_is_named_and_the_next_ones_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 20)
    content = b"a\n" + b"x" * 95 + b"\nb\n" + b"y" * 21 + b"\nc\n" + b"z" * 30
    for size in (1, 7, 50, 1000):
        blocks = list(lines.read_blocks(io.BytesIO(content), block_bytes=size))
        assert [line for block in blocks for line in block.lines] == [b"a", b"", b"b", b"", b"c", b""]
        assert {number for block in blocks for number in block.too_long} == {2, 4, 6}


def test_no_raw_identifier_is_in_a_batch() -> None:
    batch: Batch = read(V2, V1, ACTIVITY, '{"user": 6253283')
    text = f"{batch.accepted.rows()} {batch.quarantined.rows()}"
    assert not any(identifier in text for identifier in ("6253283", "504604925713076225", "2244994945"))
