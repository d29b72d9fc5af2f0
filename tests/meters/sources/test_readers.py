"""The public reader: laziness, packed files, options, quarantine that is never silent."""

from __future__ import annotations

import gzip
import warnings
import zipfile
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.meters.schemas.readings import MeterReading
from ons_bigdata.meters.sources import readers
from ons_bigdata.meters.sources.formats import cer
from ons_bigdata.meters.sources.readers import (
    COLUMNS,
    QuarantineWarning,
    SkippedFileWarning,
    read,
    read_accumulations,
    read_with_quarantine,
)
from ons_bigdata.platform.errors import InputError
from tests.meters.sources import written_readings as written
from tests.meters.sources.written_readings import CER, GENERIC, HDF, LCL


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """Write a file with two good rows and one bad."""
    path = tmp_path / "File1.txt"
    path.write_bytes(CER + b"1392 19400 0.1\n")
    return path


def test_rows_that_are_left_out_are_warned_of_or_raised(delivery: Path) -> None:
    with pytest.warns(QuarantineWarning, match=f"1 rows quarantined: {cer.DAY_OUT_OF_RANGE}: 1 "):
        found = read(delivery, format="cer").collect()
    assert found.height == 2
    with pytest.raises(InputError, match="1 rows quarantined"):
        read(delivery, format="cer", quarantined="raise").collect()
    result = read_with_quarantine(delivery, "cer")
    assert (result.rows_in, result.readings.height) == (3, 2)
    assert result.quarantined.rows() == [("File1.txt", 3, cer.DAY_OUT_OF_RANGE)]


def test_the_frame_is_that_of_the_methods(delivery: Path) -> None:
    frame = read(delivery, "cer")
    assert dict(frame.collect_schema()) == COLUMNS
    with pytest.warns(QuarantineWarning):
        MeterReading.validate(frame.select(MeterReading.column_names()).collect())


def test_a_query_reads_no_more_than_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cer, "BLOCK_BYTES", 1000)
    path = tmp_path / "File1.txt"
    path.write_bytes(CER * 500 + b"bad\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(path, "cer").head(3).select("kwh").collect()["kwh"].to_list() == [0.14, 0.138, 0.14]
        few = read(path, "cer").filter(pl.col("kwh") > 0.139).select("meter", "kwh").head(2).collect()
        assert few.rows() == [("1392", 0.14)] * 2
    with pytest.warns(QuarantineWarning):
        assert read(path, "cer").filter(pl.col("line") == 1000).collect().height == 1


def test_packed_files_archives_folders_and_several_paths_are_read_alike(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "File1.txt").write_bytes(CER)
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("a/File2.txt", CER)
        archive.writestr("File3.txt", CER)
    (folder / "File4.txt.gz").write_bytes(gzip.compress(CER))
    found = read(folder, "cer", quarantined="raise").collect()
    assert found["file"].unique().sort().to_list() == ["File1.txt", "File2.txt", "File3.txt", "File4.txt.gz"]
    assert found.height == 8
    paths = [str(folder / "more.zip"), folder / "File4.txt.gz"]
    assert read(paths, "cer").collect().height == 6


def test_a_format_is_recognised_by_content(tmp_path: Path) -> None:
    contents = {"a.txt": CER, "b.csv": LCL, "c.csv": HDF, "d.csv": GENERIC, "e.csv": written.days()}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    found = read(tmp_path).collect()
    assert found["file"].value_counts().sort("file")["count"].to_list() == [2, 2, 1, 1]


def test_what_is_unknown_is_an_error_that_names_the_known_and_the_nearest(delivery: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown format 'cerr'; known: cer, lcl, nem12, csv; did you mean 'cer'"):
        read(delivery, format="cerr")
    with pytest.raises(InputError, match="unknown option of format 'lcl' 'clok'; known: clock; did you mean 'clock'"):
        read(delivery, format="lcl", clok="gmt")
    with pytest.raises(InputError, match="unknown option of format 'cer' 'clock'; known: none"):
        read(delivery, format="cer", clock="gmt")
    with pytest.raises(InputError, match="unknown clock of a Low Carbon London file 'ut'"):
        read(delivery, format="lcl", clock="ut")
    with pytest.raises(InputError, match="unknown rule for quarantined rows 'drop'; known: warn, raise"):
        read(delivery, format="cer", quarantined="drop")
    with pytest.raises(InputError, match="has accumulated reads, no intervals; expected `read_accumulations`"):
        read(delivery, format="nem13")
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "missing", format="cer")


def test_a_file_of_another_format_is_refused_by_name(delivery: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"File1.txt: not of format 'lcl': .*that of format 'cer'"):
        read(delivery, "lcl").collect()
    (tmp_path / "notes.txt").write_text("some words\n")
    with pytest.raises(InputError, match=r"notes\.txt: expected cer: "):
        read(tmp_path / "notes.txt").collect()
    (tmp_path / "broken.gz").write_bytes(gzip.compress(CER)[:-9])
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "broken.gz", "cer").collect()
    with pytest.raises(InputError, match="no NEM13 file"):
        read_accumulations(delivery)


def test_a_frame_can_be_collected_again(delivery: Path) -> None:
    frame = read(delivery, "cer")
    for _ in range(2):
        with pytest.warns(QuarantineWarning):
            assert frame.collect().height == 2


def test_the_homes_of_new_south_wales_are_read_in_local_time(shared_meters: Path) -> None:
    result = read_with_quarantine(
        shared_meters / "sgsc_5_households_2013_halfhourly.csv.gz",
        "csv",
        columns={"meter": "customer_id", "started_at": "ts"},
        clock="local",
        timezone="Australia/Sydney",
    )
    assert (result.rows_in, result.readings["meter"].n_unique()) == (83_531, 5)
    assert set(result.quarantined["reason"]) == {"local time that the clock leaves out in spring"}
    assert readers.KNOWN_FORMATS == ("cer", "lcl", "nem12", "csv")


HINTS = [
    (
        b"meter;started_at;kwh\na;2024-01-01T00:00Z;0.1\n",
        "found fields separated by semicolons, expected commas",
    ),
    ("meter,started_at,kwh\na,2024-01-01T00:00Z,0.1\n".encode("utf-16"), "found text in UTF-16, expected UTF-8"),
    (b"Meter,Started_At,KWH\na,2024-01-01T00:00Z,0.1\n", "found names of columns with capitals"),
    (b"1392\t19503\t0.14\n", "found fields separated by tabs, expected blanks"),
    (b"1392;19503;0.14\n", "found fields separated by semicolons, expected blanks"),
    (b"1392,19503,0.14\n", "found fields separated by commas, expected blanks"),
    (b"1392  19503  0.14\n", "found several blanks"),
    (b"1392 19503 0,14\n", "found a decimal comma, expected a point"),
    (b"1392 19503 0.14\r1392 19504 0.14\r", "found lines that end with CR alone"),
    (b"\n1392 19503 0.14\n", "found a line before the header or the first row"),
    (b"meter code kwh\n1392 19503 0.14\n", "found a line before the header or the first row"),
    (b"Report of May\nmeter,started_at,kwh\na,2024-01-01T00:00Z,0.1\n", "found a line before the header"),
    (b"meter,started_at,kwh,kwh\na,2024-01-01T00:00Z,0.1,0.1\n", "found a column that stands in the header twice"),
    (b"PK\x03\x04\x14\0\0\0", "found a zip archive in an archive or without the ending"),
    (b"\x1f\x8b\x08\0\0", "found packed bytes"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "found bytes that are no text"),
    (b"nothing of the kind\n", "odd: expected cer"),
]


@pytest.mark.parametrize(("content", "message"), HINTS, ids=range(len(HINTS)))
def test_a_file_that_is_nearly_of_a_format_says_what_differs(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_with_quarantine(tmp_path / "odd")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cer", b"1392 19503 0.14\n1392 19504 1.0E-2\n1392 19505 2e-05\n"),
        ("nem12", b"100,NEM12,1,A,B\n200,N,E1,1,E1,N1,1,kWh,30,\n300,20240101," + b"1.0E-2," * 48 + b"A,,,,\n900\n"),
    ],
)
def test_numbers_may_have_exponents(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = read_with_quarantine(tmp_path / name)
    assert found.quarantined.is_empty()
    assert found.readings["kwh"].sum() == pytest.approx(0.15002 if name == "cer" else 0.48)


def test_files_of_file_managers_are_left_out_and_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for name in ("File1.txt", "more/File2.txt", "__MACOSX/._File1.txt", "more/.DS_Store", "Thumbs.db"):
            archive.writestr(name, "1392 19503 0.14\n" if "/._" not in name and name.endswith("txt") else "\0")
    found = read_with_quarantine(tmp_path / "two.zip")
    assert found.readings["file"].to_list() == ["File1.txt", "File2.txt"]
    of_zip = tmp_path / "two.zip"
    assert found.skipped["file"].to_list() == [
        f"{of_zip}:__MACOSX/._File1.txt",
        f"{of_zip}:more/.DS_Store",
        f"{of_zip}:Thumbs.db",
    ]
    with pytest.warns(SkippedFileWarning, match=r"3 files left out, each a file of a file manager.*_File1.txt.*Thumbs"):
        assert read(tmp_path / "two.zip").collect().height == 2


def test_no_row_of_readings_is_left_out_for_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "._File1.txt").write_bytes(b"1392 19503 0.14\n")
    (tmp_path / "Thumbs.db").write_bytes(b"")
    found = read_with_quarantine(tmp_path)
    assert (found.readings.height, found.skipped["file"].to_list()) == (1, [str(tmp_path / "Thumbs.db")])


def test_a_folder_with_files_of_file_managers_alone_is_no_delivery_of_no_rows(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    with pytest.raises(InputError, match=r"no file below .* but such as are each a file of a file manager"):
        read_with_quarantine(tmp_path)
