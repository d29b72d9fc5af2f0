"""Mutated files of every reader: no exception, each line accepted or quarantined, no price that is not in the file."""

from __future__ import annotations

import csv
import io
import random
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.platform.ingest.landing import DataOrigin, LandedFile, checked_key
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, Recognised, Source
from ons_bigdata.platform.ingest.tables.workbooks import is_workbook
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.sources import other_price_files, price_files, quote_writer, scope_labels
from ons_bigdata.prices.sources.official import ITEM_INDICES, PRICE_QUOTES, SERIES
from tests.mutations import FEW, LONGEST_S, MANY, chances, mutate_bytes, mutate_text, mutate_zip
from tests.prices.sources.official.small_workbooks import write_workbook
from tests.prices.sources.written_scrapes import line, scrape

RETAILERS: dict[str, DataOrigin] = {"alder": "real", "sim-alder": "simulated"}
LANDED_AT = datetime(2021, 6, 1, tzinfo=UTC)

ALPHABET = (
    *(
        ",",
        '"',
        '""',
        "\n",
        "\r\n",
        "\r",
        ";",
        "\t",
        " ",
        "\ufeff",
        "\u202e",
        "\u00a0",
        "\u0661",
        "9" * 50,
        "&#0;",
        "&amp;",
    ),
    *("0", "-", "−", "+", ".", "e5", "NaN", "inf", "1_000", "0x1F", "1e400", "£", "€", "p", "/kg", "null", "None"),
    *(
        "\\",
        "\\u0000",
        "_x0000_",
        "é",
        "e\u0301",
        "{",
        "}",
        "'",
        "<",
        ">",
        "&#0;",
        "&amp;",
        "</c>",
        "<row>",
        "<v>1e3</v>",
    ),
)
"""Separators, signs and numbers that a lenient reader takes for others."""

FIELDS = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e3",
        "1_0",
        "٣",
        "１",
        ",5",
        "5,",
        "1.250,00",
        "£1.5",
        "£1.50/kg",
        "99p",
        "€1.50",
        "2 for £3.00",
    ),
    *(
        "nan",
        "-inf",
        "1" * 400,
        "0.0000000000000000001",
        "true",
        "TRUE",
        "210111 ",
        "2016-05-02T08:00:00",
        "9999-12-31",
    ),
    *("202113", "299912", "000101", "2016-05-02T24:00:00Z", "2016-05-02T08:00:00+99:99", "2016-02-30 08:00:00"),
    *("x" * 3000, "=cmd|' /C calc'!A0", "\u202eabc", "a\u0000b"),
)


@dataclass(frozen=True)
class Form:
    """A form of file, with its reader and the columns of its prices and other numbers."""

    name: str
    content: bytes
    source: Source
    adapter: Adapter
    numbers: Mapping[str, str]
    """Column of the frame → column of the file."""
    reads_every_line: bool = True


def _quotes(*, source: str | None = None) -> bytes:
    plain = dict.fromkeys(quote_writer.COLUMNS, "") | {
        **{"retailer": "sim-alder", "run_id": "sim-alder-20160502080000", "collected_at": "2016-05-02T08:00:01+01:00"},
        **{"item_number": "210111", "item_name": "loaf", "category": "Bread", "product_id": "AL1"},
        **{
            "product_name": '"The ""Old"" Mill, 800G"',
            "price_gbp": "1.50",
            "unit_price_gbp": "0.1875",
            "unit": "100 g",
        },
        **{"was_price_gbp": "1.80", "loyalty_price_gbp": "1.35", "in_stock": "true", "multibuy": "2 for 2.50"},
    }
    first = {} if source is None else {"source": source}
    rows = [{**first, **plain, **changes} for changes in ({}, {"price_gbp": "2"}, {"product_name": "Cob"})]
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows), ""]).encode()


def _official(header: str, row: str, repeats: int = 3) -> bytes:
    return "\n".join([header, *[row] * repeats, ""]).encode()


INDICES = _official(
    "INDEX_DATE,ITEM_ID,ITEM_DESC,ALL_GM_INDEX,COICOP_WEIGHT,IMPUTATION_FLAG,CPIH_GM_INDEX",
    "202101,210302,PLAIN BISCUITS-200-300G,99.603,1.28,PARTIAL,99.6",
)
OFFICIAL_QUOTES = _official(
    "QUOTE_DATE,ITEM_ID,ITEM_DESC,VALIDITY,SHOP_CODE,PRICE,INDICATOR_BOX,STRATUM_WEIGHT,STRATUM_TYPE,START_DATE,"
    "END_DATE,REGION,SHOP_TYPE,SHOP_WEIGHT,BASE_PRICE,BASE_VALIDITY,STRATUM_CELL",
    "202101,210302,PLAIN BISCUITS,3,1234,1.25,S,12.5,1,202001,999999,2,1,1,1.2,4,3",
)
OFFICIAL_SERIES = (
    b'"Title","CPI INDEX 01 : FOOD 2015=100"\n"CDID","D7BU"\n"Unit","Index, base year = 100"\n"Important notes",\n'
    b'"2020","102.9"\n"2020 Q4","102.5"\n"2020 DEC","102.1"\n"2021 JAN","102.0"\n"2021 FEB","103"\n'
)
LABELS = b"item_number,item_name,retailer,product_name,median_price_gbp,"
INDEX_NUMBERS = {"index": "ALL_GM_INDEX", "weight": "COICOP_WEIGHT"}
QUOTE_NUMBERS = {
    **{"price_gbp": "PRICE", "base_price_gbp": "BASE_PRICE", "stratum_weight": "STRATUM_WEIGHT"},
    "shop_weight": "SHOP_WEIGHT",
}
OWN_NUMBERS = {"price_gbp": "price_gbp", "unit_price": "unit_price_gbp"}


def _form(name: str, content: bytes, source: Source, numbers: Mapping[str, str], **options: bool) -> Form:
    adapters = {
        "prices": price_files.adapter_for(RETAILERS),
        "prices_other": other_price_files.adapter_for({"sim-agg": "simulated"}, RETAILERS),
        "scope_labels": scope_labels.adapter_for(RETAILERS),
    }
    return Form(name, content, source, adapters.get(source.name) or source.adapter(Path()), numbers, **options)


def _sheet(content: bytes) -> bytes:
    return write_workbook([text.split(",") for text in content.decode().split()])


FORMS = {
    "scrape": _form(
        "alder_products_20160502080007.csv",
        scrape(line(), line(item_price_str="99p", item_price_num="0.99"), line(promo="", offer="")),
        price_files.PRICE_FILES,
        {"price_gbp": "item_price_str", "unit_price": "unit_price"},
    ),
    "quotes": _form("sim-alder_quotes_20160502080000.csv", _quotes(), price_files.PRICE_FILES, OWN_NUMBERS),
    "other quotes": _form(
        "sim-agg_quotes_20160503080000.csv", _quotes(source="sim-agg"), other_price_files.OTHER_PRICE_FILES, OWN_NUMBERS
    ),
    "labels": _form(
        "labels.csv",
        LABELS + b'in_scope\n210111,"Loaf, white",alder,LOAF,1.00,true\n210111,Loaf,alder,COB,,0\n',
        scope_labels.SCOPE_LABELS,
        {"median_price_gbp": "median_price_gbp"},
    ),
    "labels read twice": _form(
        "labels.csv",
        b"id," + LABELS + b"reader_a,reader_b\n1,210111,Loaf,ALDER,LOAF,1.00,1,0\n2,210111,Loaf,alder,COB,2,0,0\n",
        scope_labels.SCOPE_LABELS,
        {"median_price_gbp": "median_price_gbp"},
    ),
    "item indices": _form("indices.csv", INDICES, ITEM_INDICES, INDEX_NUMBERS),
    "item indices, workbook": _form("indices.xlsx", _sheet(INDICES.replace(b" ", b"_")), ITEM_INDICES, INDEX_NUMBERS),
    "official quotes": _form("quotes.csv", OFFICIAL_QUOTES, PRICE_QUOTES, QUOTE_NUMBERS),
    "official quotes, workbook": _form(
        "quotes.xlsx", _sheet(OFFICIAL_QUOTES.replace(b" ", b"_")), PRICE_QUOTES, QUOTE_NUMBERS
    ),
    "series": _form("series.csv", OFFICIAL_SERIES, SERIES, {"value": "1"}, reads_every_line=False),
}


def mutate(form: Form, chance: random.Random) -> bytes:
    """Change bytes, text or a field; of a workbook, within a member or the container."""
    if is_workbook(form.content):
        if chance.random() < 0.2:
            return mutate_bytes(form.content, chance)
        return mutate_zip(form.content, chance, lambda _, part: _mutate_plain(part, chance))
    return _mutate_plain(form.content, chance)


def _mutate_plain(content: bytes, chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.2:
        return mutate_bytes(content, chance)
    if kind < 0.6:
        return mutate_text(content.decode(), chance, ALPHABET).encode("utf-8", "surrogatepass")
    cells = re.split(r"([,\n<>])", content.decode())
    for _ in range(chance.randint(1, 2)):
        cells[2 * chance.randrange((len(cells) + 1) // 2)] = chance.choice(FIELDS)
    return "".join(cells).encode()


def read(form: Form, content: bytes, seed: str = "0" * 16) -> Reading | None:
    """Recognise and read a file as an ingest does; None where it is refused or of another source."""
    recognised = form.adapter.recognise(form.name, content)
    if not isinstance(recognised, Recognised):
        return None
    checked_key(recognised.delivery, what="delivery")
    for partition in recognised.partitions or ():
        checked_key(partition, what="partition")
    file = LandedFile(
        *("file", form.source.name, recognised.delivery, form.name, "hash", len(content), recognised.data_origin),
        *(recognised.partitions, LANDED_AT),
    )
    return form.adapter.read(file, content, seed)


def check_file(form: Form, chance: random.Random, seed: str = "0" * 16) -> Reading | None:
    """Read a mutated file and check what came of it."""
    content, begin = mutate(form, chance), time.process_time()
    reading = read(form, content, seed)
    assert time.process_time() - begin < LONGEST_S
    if reading is None or reading.outcome != "loaded":
        assert reading is None or (reading.reason and not reading.accepted.height)
        return reading
    accepted, lines = reading.accepted, reading.accepted["line"].to_list()
    form.source.table.frame.validate(accepted)
    partitions = accepted[form.source.table.partition_column].cast(pl.String).unique()
    assert all(checked_key(partition, what="partition") for partition in partitions)
    accounted = [*lines, *reading.quarantined["line"]]
    assert len(accounted) == len(set(accounted)) == reading.rows_in
    assert all(reading.quarantined["reason"])
    if is_workbook(form.content):
        written = set(_numbers_written(content))
        for column in form.numbers:
            assert set(accepted[column].drop_nulls()) <= written
        return reading
    physical = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").decode(errors="replace").split("\n")
    while len(physical) > 1 and not physical[-1].strip():
        physical.pop()
    if form.reads_every_line:
        assert sorted(accounted) == list(range(2, len(physical) + 1))
    header = (
        ["0", "1"] if not form.reads_every_line else [name.strip().strip('"') for name in next(csv.reader(physical))]
    )
    capitals = {name.upper(): place for place, name in enumerate(header)}
    for row in accepted.iter_rows(named=True):
        (fields,) = csv.reader([physical[row["line"] - 1]])
        for column, of_file in form.numbers.items():
            text = fields[capitals[of_file.upper()]].strip()
            empty = 0.0 if of_file.endswith("PRICE") else None  # the office's quotes without a price
            assert (amount(text) if text else empty) == row[column], (text, row[column])
    return reading


def amount(text: str) -> float:
    """Return what a shop asks that writes a price so: digits, with a sign of pounds or pence or without."""
    plain = text.removesuffix("/kg").removesuffix("/unit")
    assert plain.isascii() or plain[0] in "-£"
    if plain.endswith("p"):
        return float(Decimal(plain[:-1]) / 100)
    assert re.fullmatch(r"[0-9,]+(\.[0-9]+)?", plain.removeprefix("-").removeprefix("£")), text
    return float(plain.replace("£", "").replace(",", ""))


def _numbers_written(content: bytes) -> Iterator[float]:
    """Yield every number that occurs in a member of a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield from map(float, re.findall(rb"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", archive.read(name)))
    yield 0.0  # an empty price of the office is a quote without a price


@pytest.mark.parametrize("name", FORMS)
def test_a_few_hundred_mutations_are_read_and_their_rows_taken_by_the_table(name: str, warehouse: Warehouse) -> None:
    form = FORMS[name]
    whole = read(form, form.content)
    assert whole is not None and whole.accepted.height >= 2 and whole.quarantined.is_empty()
    readings = [
        (f"{seed:016x}", check_file(form, chance, f"{seed:016x}"))
        for seed, chance in zip(FEW, chances(FEW), strict=True)
    ]
    loaded = [(load, reading) for load, reading in readings if reading is not None and reading.outcome == "loaded"]
    assert len(loaded) >= len(FEW) / 10  # most mutations of a workbook break its compression
    with warehouse.transaction() as transaction:
        transaction.execute("set session_replication_role = replica")  # the ledger's rows are not written here
        for table, frame in {
            form.source.table.name: pl.concat([reading.accepted for _, reading in loaded]),
            "ops.quarantine": pl.concat(
                [reading.quarantined.select(pl.lit(load).alias("load_id"), pl.all()) for load, reading in loaded]
            ),
        }.items():
            json_columns = form.source.table.json_columns if table == form.source.table.name else ()
            assert transaction.insert(table, frame, json_columns=json_columns) == frame.height


@pytest.mark.nightly
@pytest.mark.parametrize("name", FORMS)
def test_ten_thousand_mutations(name: str) -> None:
    for chance in chances(MANY):
        check_file(FORMS[name], chance)
