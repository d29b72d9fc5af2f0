"""Comparison of a raw table with the ledger: of the whole table, of some partitions and of those that wait."""

from __future__ import annotations

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.ledger_comparison import ledger_differences
from tests.platform.ingest.conftest import Land
from tests.platform.ingest.number_files import DAY, READER, TABLE, load

NEXT, AUGUST = "2016-07-22", "2016-08-01"


def differing(landing: Landing, partitions: list[str] | None = None) -> list[tuple]:
    """Return partition, file, accepted and stored rows of what differs."""
    found = ledger_differences(landing.warehouse, TABLE, READER, partitions)
    return found.select("partition", "name", "accepted", "rows").rows()


def execute(landing: Landing, statement: str) -> None:
    """Execute a statement."""
    with landing.warehouse.transaction() as transaction:
        transaction.execute(statement)


def test_lost_rows_are_found_in_the_partitions_that_are_compared(landing: Landing, land: Land) -> None:
    land(f"{DAY}-a.txt", f"{DAY} 1\n{DAY} 2\n")
    land("after-b.txt", f"{NEXT} 3\n{AUGUST} 4\n{AUGUST} 5\n", None)
    load(landing)
    assert differing(landing) == differing(landing, [DAY, NEXT, AUGUST]) == []

    execute(landing, f"delete from raw.numbers where day = '{DAY}' and number = 1")
    execute(landing, f"delete from raw.numbers where day = '{AUGUST}'")
    of_day, of_august = (DAY, f"{DAY}-a.txt", 2, 1), (AUGUST, "after-b.txt", 2, 0)
    assert differing(landing) == [of_day, of_august]
    assert differing(landing, [DAY]) == [of_day]
    assert differing(landing, [NEXT]) == [of_august]  # of the same file
    assert differing(landing, ["2016-07-23"]) == differing(landing, []) == []


def test_a_partition_with_a_waiting_file_is_not_compared(landing: Landing, land: Land) -> None:
    for day in (DAY, NEXT):
        land(f"{day}-a.txt", f"{day} 1\n{day} 2\n", (day,))
    load(landing)
    for day in (DAY, NEXT):
        land(f"{day}-a.txt", f"{day} 1\n", (day,))
    assert differing(landing) == []

    load(landing)
    execute(landing, "insert into raw.numbers select load_id, 9, day, 9 from raw.numbers where number = 1")
    assert differing(landing, [DAY]) == [(DAY, f"{DAY}-a.txt", 1, 2)]
    assert [partition for partition, *_ in differing(landing)] == [DAY, NEXT]


def test_rows_of_a_superseded_file_that_come_back_are_found(landing: Landing, land: Land) -> None:
    land(f"{DAY}-a.txt", f"{DAY} 1\n")
    load(landing)
    ((first,),) = landing.warehouse.rows("select load_id from ops.loads")
    land(f"{DAY}-a.txt", f"{DAY} 2\n")
    load(landing)
    execute(landing, f"insert into raw.numbers values ('{first}', 1, '{DAY}', 1)")
    assert differing(landing, [DAY]) == [(DAY, None, 0, 1)]
