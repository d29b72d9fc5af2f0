"""Column lineage of queries: columns of tables from which each column of a result is computed."""

import pytest
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage

from ons_bigdata.platform.dagster.table_metadata.column_lineage import column_lineage

TABLES = {"s.quotes": ["shop", "day", "price", "sizes"], "s.shops": ["shop", "town"]}


def columns(query: str) -> dict[str, list[str]]:
    """Return the sources of each column of a result as `table.column`, sorted."""
    return {name: sorted(map(".".join, sources)) for name, sources in column_lineage(query, TABLES).items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select shop, price * 2 as twice from s.quotes", {"shop": ["s.quotes.shop"], "twice": ["s.quotes.price"]}),
        (
            "select shops.*, 1 as one, count(*) as n from s.shops where town = 'York' group by 1, 2",
            {"shop": ["s.shops.shop"], "town": ["s.shops.town"], "one": [], "n": []},
        ),
        (
            "with q as (select * from s.quotes), m as (select shop, max(price) as top from q group by shop)"
            " select q.day, coalesce(m.top, q.price) as price from q left join m on q.shop = m.shop",
            {"day": ["s.quotes.day"], "price": ["s.quotes.price"]},
        ),
        (
            "select shop as name from s.quotes union all select town from s.shops",
            {"name": ["s.quotes.shop", "s.shops.town"]},
        ),
        (
            "select shop, (select max(price) from s.quotes where quotes.shop = shops.shop) as top from s.shops",
            {"shop": ["s.shops.shop"], "top": ["s.quotes.price"]},
        ),
        (
            "select day, row_number() over (partition by shop order by price) as place from s.quotes",
            {"day": ["s.quotes.day"], "place": ["s.quotes.price", "s.quotes.shop"]},
        ),
        ("select size from s.quotes cross join unnest(sizes) as u (size)", {"size": ["s.quotes.sizes"]}),
        (
            "select shops.town, best.price from s.shops left join lateral"
            " (select price from s.quotes where quotes.shop = shops.shop order by day limit 1) as best on true",
            {"town": ["s.shops.town"], "price": ["s.quotes.price"]},
        ),
        (
            "select spread.middle from s.shops cross join lateral (select (select min(v.x) from unnest(a.xs) as v (x))"
            " as middle from (values (array[shops.town])) as a (xs)) as spread",
            {"middle": ["s.shops.town"]},
        ),
        (
            "with recursive days as ("
            "select day, 1 as n from s.quotes union all select day, n + 1 from days where n < 3"
            ") select day, n from days",
            {"day": ["s.quotes.day"], "n": []},
        ),
        ("select n from generate_series(1, 3) as g (n)", {"n": []}),
    ],
)
def test_sources_are_the_columns_whose_values_enter(query: str, expected: dict[str, list[str]]) -> None:
    assert columns(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "with a as (select shop, sum(price) as s from s.quotes group by shop) select town, s / 2 as half from a"
        " join s.shops using (shop)",
        "select case when price > 1 then shop else day::text end as c from (select * from s.quotes) as q",
        "with a as (select * from s.quotes), b as (select * from a union all select * from a) select * from b",
    ],
)
def test_sources_are_those_of_another_implementation(query: str) -> None:
    """Sqlglot walks the scopes anew for every column, and agrees."""
    schema = {"s": {table.split(".")[1]: dict.fromkeys(names, "text") for table, names in TABLES.items()}}
    for name, sources in column_lineage(query, TABLES).items():
        leaves = [
            node for node in lineage(name, query, schema=schema, dialect="postgres").walk() if not node.downstream
        ]
        tables = [(node.expression.find(exp.Table), exp.to_column(node.name).name) for node in leaves]
        assert sources == {(f"{table.db}.{table.name}", column) for table, column in tables if table is not None}


def test_a_malformed_query_is_an_error() -> None:
    with pytest.raises(SqlglotError):
        column_lineage("select from where", TABLES)
