"""Readers of the office's files: every form of them, and faulty rows by line, on invented samples."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ons_bigdata.platform.ingest.delivery import Landed, land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.platform.ingest.tables.workbooks import workbook_fault
from ons_bigdata.prices.sources.official import SOURCES
from ons_bigdata.prices.sources.official.item_indices import has_header, read_item_indices
from ons_bigdata.prices.sources.official.price_quotes import read_price_quotes
from ons_bigdata.prices.sources.official.series import read_series, series_id
from tests.prices.sources.official.small_workbooks import write_workbook

LOAD = "0" * 16
INDICES = (
    "INDEX_DATE,ITEM_ID,ITEM_DESC,ALL_GM_INDEX,COICOP_WEIGHT,IMPUTATION_FLAG,CPIH_GM_INDEX\n"
    "202101,210302,PLAIN BISCUITS-200-300G,99.603,1.28,,99.6\n"
    "202101,210502,HOME KILLED LAMB-SHOULDER KG,97.711,0.9,PARTIAL,\n"
)
QUOTE_HEADER = (
    "QUOTE_DATE,ITEM_ID,ITEM_DESC,VALIDITY,SHOP_CODE,PRICE,INDICATOR_BOX,STRATUM_WEIGHT,STRATUM_TYPE,START_DATE,"
    "END_DATE,REGION,SHOP_TYPE,SHOP_WEIGHT,BASE_PRICE,BASE_VALIDITY,STRATUM_CELL"
)
QUOTE = "202101,210302,PLAIN BISCUITS,3,1234,1.25,S,12.5,1,202001,999999,2,1,1,1.2,4,3"
SERIES = (
    '"Title","CPI INDEX 01 : FOOD 2015=100"\n"CDID","D7BU"\n"Unit","Index, base year = 100"\n"Important notes",\n'
    '"2020","102.9"\n"2020 Q4","102.5"\n"2020 DEC","102.1"\n"2021 JAN","102.0"\n'
)


def test_item_indices_are_read_with_the_other_columns_of_the_file() -> None:
    reading = read_item_indices(INDICES.encode(), load_id=LOAD)
    assert (reading.outcome, reading.rows_in) == ("loaded", 2)
    row = reading.accepted.row(0, named=True)
    assert (row["month"], row["item_number"], row["index"], row["weight"]) == (date(2021, 1, 1), 210302, 99.603, 1.28)
    assert reading.accepted["imputation"].to_list() == [None, "PARTIAL"]
    assert json.loads(row["attributes"]) == {"CPIH_GM_INDEX": "99.6"}
    assert has_header(INDICES.encode()) and not has_header(SERIES.encode())


@pytest.mark.parametrize(
    "header",
    [
        "index_date,item_id,item_desc,all_gm_index,coicop_weight,imputation_flags,other",
        "Index_Date, Item_ID,Item_Desc,All_GM_Index,Coicop_Weight,Imputation_Flags,Other",
        '"INDEX_DATE","ITEM_ID","ITEM_DESC","ALL_GM_INDEX","COICOP_WEIGHT","IMPUTATION_FLAG","OTHER"',
    ],
)
def test_names_of_columns_vary_in_case(header: str) -> None:
    content = "\ufeff" + header + "\r\n" + INDICES.split("\n", 1)[1].replace("\n", "\r\n")
    reading = read_item_indices(content.encode(), load_id=LOAD)
    assert reading.accepted["imputation"].to_list() == [None, "PARTIAL"]
    assert reading.accepted["index"].to_list() == [99.603, 97.711]


def test_a_workbook_is_read_like_a_csv() -> None:
    rows = [line.split(",") for line in INDICES.strip().split("\n")]
    reading = read_item_indices(write_workbook([*rows, ["202101", "12", "BAD", "x", "1", "", ""]]), load_id=LOAD)
    expected = read_item_indices(INDICES.encode(), load_id=LOAD)
    assert reading.accepted.drop("attributes").equals(expected.accepted.drop("attributes"))
    assert reading.quarantined.rows() == [
        (4, "ITEM_ID '12'; expected six digits; ALL_GM_INDEX 'x'; expected a number", "202101,12,BAD,x,1,,")
    ]
    assert "not a workbook" in str(read_item_indices(b"PK\x03\x04 broken", load_id=LOAD).reason)


def test_bad_rows_are_quarantined_by_line_and_good_rows_kept() -> None:
    content = INDICES + (
        "202113,210302,A,99,1,,\n"
        "202101,210302,A,-1,1,,\n"
        "202101,210302,A,1,heavy,,\n"
        "202101,210302\n"
        '202101,210302,"A,99,1,,\n'
        "202101,210303,FINE,100.0,,,\n"
    )
    reading = read_item_indices(content.encode(), load_id=LOAD)
    assert reading.accepted["line"].to_list() == [2, 3, 9]
    assert dict(reading.quarantined.select("line", "reason").rows()) == {
        4: "INDEX_DATE '202113'; expected a month YYYYMM",
        5: "ALL_GM_INDEX '-1'; expected above 0",
        6: "COICOP_WEIGHT 'heavy'; expected a number or nothing",
        7: "2 fields, expected 7",
        8: "quoted field not closed on its line",
    }
    assert reading.rows_in == 8


def test_files_of_another_kind_are_refused_with_what_is_missing() -> None:
    assert read_item_indices(b"", load_id=LOAD).outcome == "outage"
    refused = read_item_indices(b"INDEX_DATE,ITEM_ID\n202101,1\n", load_id=LOAD)
    assert (refused.outcome, refused.rows_in) == ("refused", 0)
    assert "missing columns ITEM_DESC, ALL_GM_INDEX, COICOP_WEIGHT; found INDEX_DATE, ITEM_ID" in str(refused.reason)
    assert "columns twice: ITEM_ID" in str(read_item_indices(b"ITEM_ID,Item_Id\n1,2\n", load_id=LOAD).reason)


def test_price_quotes_are_read_and_zeros_kept() -> None:
    rows = [
        QUOTE,
        QUOTE.replace(",1.25,", ",0,").replace(",3,1234", ",1,1234"),
        QUOTE.replace(",1.25,", ",,"),
        QUOTE.replace(",1.2,4,", ",free,4,"),
        QUOTE.replace("202101", "2021-01"),
        QUOTE.replace(",12.5,", ",-1,"),
    ]
    reading = read_price_quotes("\n".join([QUOTE_HEADER, *rows, ""]).encode(), load_id=LOAD)
    assert reading.accepted["price_gbp"].to_list() == [1.25, 0.0, 0.0]
    assert dict(reading.quarantined.select("line", "reason").rows()) == {
        5: "BASE_PRICE 'free'; expected a number",
        6: "QUOTE_DATE '2021-01'; expected a month YYYYMM",
        7: "STRATUM_WEIGHT '-1'; expected 0 or more",
    }
    row = reading.accepted.row(0, named=True)
    assert (row["validity"], row["base_validity"], row["stratum_cell"], row["shop_code"]) == (3, 4, 3, "1234")
    assert json.loads(row["attributes"]) == {"START_DATE": "202001", "END_DATE": "999999"}


def test_the_fast_way_and_the_slow_way_of_a_csv_agree() -> None:
    """A quoted field anywhere makes the reader go line by line."""
    plain = "\n".join([QUOTE_HEADER, *[QUOTE] * 50, ""])
    quoted = plain.replace("PLAIN BISCUITS", '"PLAIN BISCUITS"', 1)
    fast, slow = (read_price_quotes(text.encode(), load_id=LOAD).accepted for text in (plain, quoted))
    assert fast.equals(slow)
    short = plain.removesuffix(",3\n") + "\n"  # one comma less in the last line
    quarantined = read_price_quotes(short.encode(), load_id=LOAD).quarantined
    assert quarantined.select("line", "reason").rows() == [(51, "16 fields, expected 17")]


def test_months_of_a_series_are_kept_and_years_and_quarters_passed_over() -> None:
    reading = read_series(SERIES.encode(), load_id=LOAD)
    assert reading.accepted.select("series_id", "month", "value", "line").rows() == [
        ("d7bu", date(2020, 12, 1), 102.1, 7),
        ("d7bu", date(2021, 1, 1), 102.0, 8),
    ]
    assert reading.rows_in == 2
    bad = SERIES + '"2021 FBR","1"\n"2021 MAR","n/a"\n"2021 JAN","102.0"\n\n"2021 APR","103","p"\n'
    reading = read_series(bad.encode(), load_id=LOAD)
    assert dict(reading.quarantined.select("line", "reason").rows()) == {
        9: "period '2021 FBR'; expected such as '2021', '2021 Q1' or '2021 JAN'",
        10: "value 'n/a'; expected one number",
        11: "month 2021-01 twice",
        13: "value '103, p'; expected one number",
    }
    assert series_id(INDICES.encode()) is None
    assert series_id(b"x" * 200_000) is None  # longer than a field of a CSV may be
    long = read_series((SERIES + f'"2021 FEB","{"1" * 200_000}"\n').encode(), load_id=LOAD)
    assert long.quarantined["reason"].to_list() == ["not CSV: field larger than field limit (131072)"]
    assert read_series(INDICES.encode(), load_id=LOAD).outcome == "refused"


def test_files_are_recognised_landed_and_loaded(landing: Landing, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "sim-item-indices.csv").write_text(INDICES + INDICES.split("\n")[1].replace("202101", "202102") + "\n")
    (folder / "quotes.csv").write_text(f"{QUOTE_HEADER}\n{QUOTE}\n")
    (folder / "series.csv").write_text(SERIES)
    (folder / "letter.txt").write_text("Dear Sir\n")
    (folder / "empty.csv").write_text("")
    files = _land(landing, folder)
    sources = {name: one.file.source for name, one in files.items()}
    assert sources == {
        "sim-item-indices.csv": "official_item_indices",
        "quotes.csv": "official_price_quotes",
        "series.csv": "official_series",
        "letter.txt": "official_prices",
        "empty.csv": "official_prices",
    }
    assert files["sim-item-indices.csv"].file.data_origin == "simulated"
    assert files["quotes.csv"].file.data_origin == "real"
    assert files["sim-item-indices.csv"].file.partitions is None  # its months are in its rows
    store = landing.warehouse
    for source, rows in zip(loadable(SOURCES), (3, 1, 2), strict=True):
        load_waiting(landing, source, source.adapter(tmp_path).read)
        assert store.rows(f"select count(*) from {source.table.name}")[0][0] == rows
        assert landing.waiting_files(source.reader) == []
    assert landing.partitions("official_item_indices") == ["2021-01-01", "2021-02-01"]
    reasons = store.rows("select reason from ops.loads where outcome = 'refused' order by reason")
    assert [reason[:20] for (reason,) in reasons] == ["no bytes", "no official file: ex"]

    # A corrected file of the same name without February: its month is rebuilt, too, and is empty then.
    (folder / "sim-item-indices.csv").write_text(INDICES.replace("99.603", "99.700"))
    source = loadable(SOURCES)[0]
    _land(landing, folder / "sim-item-indices.csv")
    assert landing.pending_partitions(source.reader) == ["2021-01-01", "2021-02-01"]
    load_waiting(landing, source, source.adapter(tmp_path).read)
    assert landing.pending_partitions(source.reader) == []
    stored = store.frame("select month, index from raw.official_item_indices order by index")
    assert stored["index"].to_list() == [97.711, 99.7]
    assert not any(one.is_new for one in _land(landing, folder).values())


def test_a_file_of_the_right_form_without_any_month_is_refused_and_supersedes_nothing(
    landing: Landing, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    source = loadable(SOURCES)[0]
    for text in (INDICES, INDICES.split("\n", maxsplit=1)[0] + "\n", INDICES.replace("202101", "2021-01")):
        (folder / "sim-a.csv").write_text(text)
        _land(landing, folder)
        load_waiting(landing, source, source.adapter(tmp_path).read)
    assert landing.warehouse.rows("select count(*) from raw.official_item_indices") == [(2,)]
    reasons = landing.warehouse.rows("select reason from ops.loads where outcome = 'refused'")
    assert reasons == [("no row with a month YYYYMM in INDEX_DATE",)] * 2


def test_months_in_the_future_are_quarantined() -> None:
    arrived = datetime(2021, 1, 15, tzinfo=UTC)
    later = INDICES.replace("202101,210502", "202102,210502")
    reading = read_item_indices(later.encode(), load_id=LOAD, landed_at=arrived)
    assert reading.quarantined.select("line", "reason").rows() == [
        (3, "INDEX_DATE '202102' is in the future: the file arrived on 2021-01-15")
    ]
    quotes = f"{QUOTE_HEADER}\n{QUOTE}\n{QUOTE.replace('202101', '202112')}\n"
    assert read_price_quotes(quotes.encode(), load_id=LOAD, landed_at=arrived).quarantined["line"].to_list() == [3]
    series = read_series((SERIES + '"2021 FEB","1"\n').encode(), load_id=LOAD, landed_at=arrived)
    assert series.quarantined["reason"].to_list() == ["month 2021-02 is in the future: the file arrived on 2021-01-15"]


@pytest.mark.parametrize(
    "sheet",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='1048576'>" + "<c><v>1</v></c>" * 16 + "</row>",  # cells without a reference, row with one
        '<row><c r="ZZZZZZ99999999"><v>1</v></c></row>',
        '<x:row xmlns:x="a" r="1048576"><x:c r = "&#88;FD1048576"/></x:row>',
        "<row>" + "<c/>" * 4000 + "</row>" + "<row/>" * 3000,
        " " * (1 << 21) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    ],
    ids=["corner", "row", "beyond", "namespace", "counted", "after blanks"],
)
def test_a_workbook_with_distant_cells_is_refused_before_it_is_read(
    landing: Landing, tmp_path: Path, sheet: str
) -> None:
    content = write_workbook([], sheet=sheet)
    assert len(content) < 20_000
    assert "more than 10000000 cells" in str(workbook_fault(content))
    assert read_item_indices(content, load_id=LOAD).outcome == "refused"
    (tmp_path / "sim-a.xlsx").write_bytes(content)
    (tmp_path / "sim-b.csv").write_text(INDICES)
    files = {name: one.file.data_origin for name, one in _land(landing, *sorted(tmp_path.glob("sim-*"))).items()}
    assert files == {"sim-a.xlsx": None, "sim-b.csv": "simulated"}


_DISTANT = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (b" " * (1 << 21) + _DISTANT.encode(), "more than 10000000 cells"),
        (_DISTANT.encode("utf-16-be"), "more than 10000000 cells"),
        (_DISTANT.encode("utf-16"), "more than 10000000 cells"),
        (b"x" + _DISTANT.encode(), "not well-formed"),
        (b"\0" + _DISTANT.encode(), "not well-formed"),
    ],
    ids=["blanks", "utf-16-be", "utf-16", "text", "nul"],
)
def test_no_beginning_of_a_sheet_hides_its_extent(part: bytes, fault: str) -> None:
    content = write_workbook([], parts={"xl/worksheets/sheet1.xml": part})
    assert fault in str(workbook_fault(content))


def test_a_sheet_under_the_name_of_an_image_is_not_read_and_an_image_is_no_fault() -> None:
    image = {"xl/media/image1.png": b"\x89PNG", "xl/drawings/vmlDrawing1.vml": b"<br>", "docProps/": b""}
    assert workbook_fault(write_workbook([["a"]], parts=image)) is None
    hidden = write_workbook([], sheet_part="media/sheet1.PNG", parts={"xl/media/sheet1.PNG": _DISTANT.encode()})
    assert workbook_fault(hidden) == "names 'media/sheet1.png' as a part of the workbook"


def test_a_long_text_that_many_cells_share_is_not_copied_for_each() -> None:
    texts = f"<sst><si><t>{'x' * 30_000}</t><t>{'y' * 10_000}</t></si><si><t>z</t></si></sst>".encode()
    sheet = "<row>" + '<c t="s"><v>0</v></c>' * 60_000 + "</row>"
    content = write_workbook([], sheet=sheet, parts={"xl/sharedStrings.xml": texts})
    assert len(content) < 20_000
    assert workbook_fault(content) == "60000 cells with texts of up to 40000 characters: more than 2147483648"
    few = write_workbook([], sheet='<row><c t="s"><v>0</v></c></row>', parts={"xl/sharedStrings.xml": texts})
    assert workbook_fault(few) is None


def test_archives_that_are_no_workbooks_or_declare_entities_are_not_read() -> None:
    assert workbook_fault(b"PK\x03\x04 broken") == "not a workbook that can be read: File is not a zip file"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("content.xml", "<a/>")
    assert workbook_fault(out.getvalue()) == "not an .xlsx workbook"
    unknown = write_workbook([], encoding="UTF-0x1F8")
    assert workbook_fault(unknown) == "not a workbook that can be read: unknown encoding: UTF-0x1F8"
    entities = write_workbook([], document_type='<!DOCTYPE a [<!ENTITY b "c">]>')
    assert "declares a document type" in str(workbook_fault(entities))


def _land(landing: Landing, *paths: Path) -> dict[str, Landed]:
    landed = land_files(paths, landing, SOURCES, dbt_project_dir=Path(), max_file_bytes=100_000)
    return {one.file.name: one for one in landed}
