"""Selections of assets as typed on the command line."""

from collections.abc import Iterator

import dagster as dg
import pytest

from ons_bigdata.platform.dagster.runs.selection import groups_named, require_syntax, select
from ons_bigdata.platform.errors import InputError

CELLS = dg.MultiPartitionsDefinition(
    {"day": dg.StaticPartitionsDefinition(["1"]), "shop": dg.StaticPartitionsDefinition(["a"])}
)


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """Small graph: files -> quotes -> {counts, indices}, and visits, of which a run has one partition."""
    specs = [
        ("landing", "files", []),
        ("raw", "price_quotes", ["landing/files"]),
        ("marts", "price_quote_counts", ["raw/price_quotes"]),
        ("marts", "price_indices", ["raw/price_quotes"]),
    ]
    assets = [
        dg.asset(key=[schema, table], deps=[dep.split("/") for dep in deps], group_name="prices_indices")(lambda: None)
        for schema, table, deps in specs
    ]
    visits = dg.asset(key=["raw", "visits"], partitions_def=CELLS)(lambda: None)
    return dg.Definitions([*assets, visits])


def _names(definitions: dg.Definitions, selection: str) -> list[str]:
    return [key.path[-1] for key in select(definitions, selection)]


@pytest.mark.filterwarnings("error")
def test_no_selection_prints_a_warning(definitions: dg.Definitions) -> None:
    for selection in ("group:prices_indices", "*", "group:prices_indices, marts/price_indices", 'tag:"pilot"="x" or *'):
        require_syntax(selection)
        assert len(_names(definitions, selection)) == 4


def test_terms_name_assets_and_their_neighbours(definitions: dg.Definitions) -> None:
    assert _names(definitions, "marts/price_indices") == ["price_indices"]
    assert _names(definitions, "+marts/price_indices") == ["price_indices", "price_quotes"]
    assert _names(definitions, "raw/price_quotes*") == ["price_indices", "price_quote_counts", "price_quotes"]
    assert _names(definitions, "landing/files, marts/price_indices") == ["files", "price_indices"]
    assert len(_names(definitions, "*")) == len(_names(definitions, "group:prices_indices")) == 4
    assert _names(definitions, "raw/visits") == ["visits"]


def test_the_name_of_a_table_without_its_schema_is_completed_in_the_error(definitions: dg.Definitions) -> None:
    for term in ("price_quotes", "raw.price_quotes", "landing.price_quotes"):
        with pytest.raises(InputError, match=r"expected schema/table.*; did you mean 'raw/price_quotes'\?$"):
            select(definitions, term)


@pytest.mark.parametrize(
    "bad", ["raw/price_quotes+2", "((", "", " , ", "raw/", "group:", "a b", "raw/price_quotes and"]
)
def test_a_malformed_selection_names_the_term_and_what_is_expected(definitions: dg.Definitions, bad: str) -> None:
    with pytest.raises(InputError, match=r"^selection.*expected schema/table"):
        select(definitions, bad)


def test_the_error_of_an_unknown_asset_lists_the_nearest_names_only(definitions: dg.Definitions) -> None:
    with pytest.raises(InputError) as caught:
        select(definitions, "marts/price_index")
    assert str(caught.value).startswith("no asset 'marts/price_index'; nearest: marts/price_indices")
    assert "landing/files" not in str(caught.value)
    with pytest.raises(InputError, match="nearest: raw/price_quotes"):
        select(definitions, "staging/price_quotes")
    with pytest.raises(InputError, match="none of the 5 known names is like it"):
        select(definitions, "xx/yyyyyy")
    with pytest.raises(InputError, match="holds no asset"):
        select(definitions, "group:elsewhere")


def test_an_asset_with_one_partition_per_run_is_selected_alone(definitions: dg.Definitions) -> None:
    with pytest.raises(InputError, match="raw/visits: takes one partition a run"):
        select(definitions, "raw/visits,landing/files")


def test_tables_that_one_step_writes_are_selected_together() -> None:
    @dg.multi_asset(specs=[dg.AssetSpec(["restricted", name]) for name in ("meters", "days")])
    def judged() -> Iterator[dg.MaterializeResult]:
        """Write both tables."""
        yield from ()

    definitions = dg.Definitions(
        [judged, dg.asset(key=["marts", "months"], deps=[dg.AssetKey(["restricted", "days"])])(lambda: None)]
    )
    assert _names(definitions, "restricted/days") == ["days", "meters"]
    assert _names(definitions, "marts/months") == ["months"]


def test_with_all_that_an_asset_reads_comes_what_its_checks_read() -> None:
    """The check of the indices reads relatives, which no index is computed from."""
    made = [
        dg.asset(key=["raw", "quotes"])(lambda: None),
        dg.asset(key=["raw", "changes"])(lambda: None),
        dg.asset(key=["analysis", "relatives"], deps=[["raw", "changes"]])(lambda: None),
        dg.asset(key=["analysis", "indices"], deps=[["raw", "quotes"]])(lambda: None),
        dg.asset(key=["marts", "indices_named"], deps=[["analysis", "indices"]])(lambda: None),
    ]

    @dg.asset_check(asset=["analysis", "indices"], additional_deps=[["analysis", "relatives"]])
    def indices_follow_prices() -> dg.AssetCheckResult:
        """Compare both."""
        return dg.AssetCheckResult(passed=True)

    definitions = dg.Definitions(made, asset_checks=[indices_follow_prices])
    assert _names(definitions, "+analysis/indices") == ["indices", "quotes"]
    read = ["changes", "indices", "quotes", "relatives"]
    assert sorted(_names(definitions, "*analysis/indices")) == read
    assert sorted(_names(definitions, "*marts/indices_named")) == sorted([*read, "indices_named"])
    assert _names(definitions, "*analysis/relatives") == ["relatives", "changes"]


@pytest.mark.parametrize(
    ("selection", "groups"),
    [
        ("group:prices_indices", {"prices_indices"}),
        ('group:"prices_scope" or group:"prices_indices"', {"prices_scope", "prices_indices"}),
        (
            '(group:"prices_scope" and group:"prices_indices"), group:orders',
            {"prices_scope", "prices_indices", "orders"},
        ),
        ('not group:"prices_scope"', set()),
        ('group:"prices_scope"+', set()),
        ('1+group:"prices_scope"', set()),
        ('group:"prices_*"', set()),
        ("group:prices_*", set()),
        ('group:"prices_scope" or kind:dbt', set()),
        ("group:prices_scope, marts/price_indices", set()),
        ("marts/price_indices", set()),
        ("*", set()),
    ],
)
def test_groups_of_a_selection_that_names_nothing_else(selection: str, groups: set[str]) -> None:
    assert groups_named(selection) == groups
