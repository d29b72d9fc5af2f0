"""One way in: files are recognised by the sources of a command, landed, or refused with a reason."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.delivery import INNER_ARCHIVE, Landed, land_files
from ons_bigdata.platform.ingest.landing import Landing, Reader
from ons_bigdata.platform.ingest.sources import (
    HEAD_BYTES,
    Adapter,
    BulkAdapter,
    Catchall,
    Recognised,
    Source,
    adapter_context,
    bulk_sources,
    loadable,
    with_tables,
)
from ons_bigdata.platform.pseudonyms import PseudonymKey, make_key
from ons_bigdata.settings import Settings
from tests.platform.ingest import number_files, reading_files
from tests.platform.ingest.number_files import DAY, SOURCE

LETTERS = replace(
    SOURCE,
    reader=Reader("letters", "letter_lines", "1"),
    adapter=lambda _project: Adapter(
        lambda _name, content: Recognised("two", "real", None) if content.startswith(b"A") else None, number_files.read
    ),
    max_file_bytes=5,
)
NOTHING = Catchall("numbers", Reader("numbers_or_letters", "any", "1"), "neither numbers nor letters")

Take = Callable[..., dict[str, Landed]]


@pytest.fixture
def take(landing: Landing, tmp_path: Path) -> Take:
    """Land the files below paths; return them by name (of two of one name, the last)."""
    (tmp_path / "in").mkdir()

    def take(*paths: Path, sources: tuple[Source | Catchall, ...] = (SOURCE, LETTERS, NOTHING)) -> dict[str, Landed]:
        landed = land_files(paths, landing, sources, dbt_project_dir=Path(), max_file_bytes=100)
        return {one.file.name: one for one in landed}

    return take


def _reasons(landing: Landing) -> dict[str, str]:
    return dict(
        landing.warehouse.rows(
            "select files.name, reason from ops.loads join ops.files using (file_id) where outcome = 'refused'"
        )
    )


def test_the_first_source_that_recognises_a_file_has_it(landing: Landing, take: Take, tmp_path: Path) -> None:
    (tmp_path / "in" / f"{DAY}-a.txt").write_text("1")
    (tmp_path / "in" / "letter.csv").write_text("A")
    (tmp_path / "in" / "other.csv").write_text("B")
    (tmp_path / "in" / "other.txt").write_text("A")
    found = take(tmp_path / "in")
    assert {name: (one.file.source, one.file.delivery, one.file.partitions) for name, one in found.items()} == {
        f"{DAY}-a.txt": ("numbers", "one", (DAY,)),
        "letter.csv": ("letters", "two", None),
        "other.csv": ("numbers_or_letters", "unknown", ()),
        "other.txt": ("numbers", "unknown", ()),  # its first source refuses it
    }
    assert _reasons(landing) == {"other.csv": "neither numbers nor letters", "other.txt": "no day"}
    assert [one.is_new for one in take(tmp_path / "in").values()] == [False] * 4


def test_without_a_last_resort_the_last_source_refuses(landing: Landing, take: Take, tmp_path: Path) -> None:
    (tmp_path / "in" / "other.csv").write_text("B")
    assert take(tmp_path / "in", sources=(SOURCE,))["other.csv"].file.source == "numbers"
    assert _reasons(landing) == {"other.csv": "not a file of numbers"}


def test_an_archive_in_a_folder_is_refused_with_what_to_do(landing: Landing, take: Take, tmp_path: Path) -> None:
    (tmp_path / "in" / "a.ZIP").write_bytes(b"PK\x05\x06" + bytes(18))  # without members
    take(tmp_path / "in")
    assert _reasons(landing) == {"a.ZIP": INNER_ARCHIVE}


def test_each_source_has_its_bound(landing: Landing, take: Take, tmp_path: Path) -> None:
    (tmp_path / "in" / "short.csv").write_text("A2345")
    (tmp_path / "in" / "long.csv").write_text("A23456")
    (tmp_path / "in" / f"{DAY}-a.txt").write_text("1" * 100)
    (tmp_path / "in" / f"{DAY}-b.txt").write_text("1" * 101)
    take(tmp_path / "in")
    assert _reasons(landing) == {
        "long.csv": "larger than 5 bytes, the bound for one file of letters",
        f"{DAY}-b.txt": "larger than 100 bytes, the bound for one file",
    }


def test_of_one_name_twice_among_the_paths_the_second_is_refused(landing: Landing, take: Take, tmp_path: Path) -> None:
    for folder, text in (("1", "A1"), ("2", "A2"), ("3", "A1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text(text)
    landed = list(
        land_files([tmp_path], landing, (SOURCE, LETTERS, NOTHING), dbt_project_dir=Path(), max_file_bytes=100)
    )
    assert [(one.file.source, one.is_new) for one in landed] == [
        ("letters", True),
        ("numbers_or_letters", True),
        ("letters", False),
    ]
    assert "another file of this name with other content is among the same paths" in _reasons(landing)["a.csv"]


def test_what_a_file_provokes_in_a_recogniser_is_its_refusal(landing: Landing, take: Take, tmp_path: Path) -> None:
    (tmp_path / "in" / "broken.txt").write_text("x")
    (tmp_path / "in" / "letter.csv").write_text("A")
    take(tmp_path / "in")
    assert _reasons(landing) == {"broken.txt": "not recognised: RuntimeError: recogniser fell over"}


@pytest.mark.parametrize("kind", ["folder", "nested", "zip", "tar"])
def test_paths_without_any_file_are_an_error(take: Take, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"empty.{kind}"
    if kind == "zip":
        path.write_bytes(b"PK\x05\x06" + b"\0" * 18)
    elif kind == "tar":
        path.write_bytes(b"\0" * 10240)
    else:
        (path / "inner" if kind == "nested" else path).mkdir(parents=True)
    with pytest.raises(InputError, match=rf"no file below .*empty\.{kind}"):
        take(path)


def test_sources_of_an_area_are_those_with_a_table() -> None:
    assert loadable((SOURCE, NOTHING), area="collection") == [SOURCE]
    assert loadable((SOURCE, NOTHING), area="scope") == []


def test_a_bulk_source_sees_the_unpacked_head_and_has_its_bound(landing: Landing, take: Take, tmp_path: Path) -> None:
    heads: dict[str, bytes] = {}

    def recognise(name: str, head: bytes) -> Recognised | None:
        heads[name] = head
        return Recognised("meter", "simulated", None) if name.startswith("r") else None

    adapter = BulkAdapter(recognise, reading_files.read_batches)
    bulk = replace(reading_files.SOURCE, adapter=lambda _context: adapter, max_file_bytes=200_000)
    (tmp_path / "in" / "r.csv.gz").write_bytes(gzip.compress(b"2016-07-21,1,2\n" * 10_000))
    (tmp_path / "in" / "r.csv.zst").write_bytes(b"no zstandard")
    (tmp_path / "in" / "r2.csv").write_bytes(b"x" * 200_001)
    (tmp_path / "in" / "letter.csv").write_text("A")
    found = take(tmp_path / "in", sources=(bulk, LETTERS, NOTHING))
    assert {name: len(head) for name, head in heads.items()} == {"r.csv": HEAD_BYTES, "letter.csv": 1}
    assert {name: one.file.source for name, one in found.items()} == {
        "r.csv.gz": "readings",
        "r.csv.zst": "readings",
        "r2.csv": "numbers_or_letters",
        "letter.csv": "letters",
    }
    reasons = _reasons(landing)
    assert reasons.pop("r.csv.zst").startswith("its .zst content is damaged")
    assert reasons == {"r2.csv": "larger than 200000 bytes, the bound for one file"}


def test_a_personal_source_lands_nothing_without_its_key(landing: Landing, tmp_path: Path) -> None:
    personal = replace(reading_files.SOURCE, is_personal=True)
    (tmp_path / "r.csv").write_text("2016-07-21,1,2\n")
    settings = Settings(home=tmp_path, database_url=None)
    with pytest.raises(
        InputError, match=r"no pseudonym key: expected a file .*pseudonym\.key with 64 hex digits"
    ) as error:
        adapter_context(settings, [personal])
    assert error.value.exit_code == 2
    with pytest.raises(InputError, match="readings is about single people, homes or devices: its ingest needs"):
        list(land_files([tmp_path / "r.csv"], landing, [personal], dbt_project_dir=Path(), max_file_bytes=100))
    assert not landing.folder.exists()
    key = make_key(settings.pseudonym_key_path)
    assert adapter_context(settings, [personal]).pseudonym_key == key
    assert adapter_context(settings, [reading_files.SOURCE]).pseudonym_key is None
    settings.pseudonym_key_path.chmod(0o640)
    with pytest.raises(InputError, match="has mode 0640; expected 0600"):
        adapter_context(settings, [personal])
    secret = Settings(home=tmp_path, pseudonym_key=SecretStr("ab" * 32))
    assert adapter_context(secret, [personal]).pseudonym_key == PseudonymKey(b"\xab" * 32)


def test_what_a_personal_file_provokes_in_a_recogniser_is_recorded_without_content(
    landing: Landing, tmp_path: Path
) -> None:
    def recognise(_name: str, head: bytes) -> None:
        raise ValueError(f"found {head!r}")

    adapter = BulkAdapter(recognise, reading_files.read_batches)
    personal = replace(reading_files.SOURCE, is_personal=True, adapter=lambda _context: adapter)
    (tmp_path / "r.csv").write_text("canary")
    key = PseudonymKey(b"1" * 32)
    list(
        land_files(
            [tmp_path / "r.csv"], landing, [personal], dbt_project_dir=Path(), max_file_bytes=100, pseudonym_key=key
        )
    )
    assert _reasons(landing) == {"r.csv": "not recognised: ValueError"}


def test_sources_by_where_their_rows_are() -> None:
    sources = (SOURCE, reading_files.SOURCE, NOTHING)
    assert loadable(sources) == [SOURCE]
    assert bulk_sources(sources) == [reading_files.SOURCE]
    assert with_tables(sources, area="collection") == [SOURCE, reading_files.SOURCE]
    assert [source.table_name for source in with_tables(sources)] == ["raw.numbers", "lake.readings"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"calendar": None}, "calendar None and 0 partition keys"),
        ({"partition_keys": frozenset("a")}, "1 partition keys"),
    ],
    ids=["neither", "both"],
)
def test_a_bulk_source_has_a_calendar_or_partition_keys(change: dict[str, object], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        replace(reading_files.SOURCE, **change)  # type: ignore[arg-type]
