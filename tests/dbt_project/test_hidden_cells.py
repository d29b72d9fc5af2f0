"""The dbt test of hidden cells of internal migration: red where a cell below the threshold has any number."""

from __future__ import annotations

import pytest
from dbt.contracts.graph.manifest import Manifest

from ons_bigdata.platform.postgres.warehouse import Warehouse

NAME = "internal_migration_hidden_cells_have_no_number"


@pytest.mark.parametrize("number", ["moves", "value", "lower", "upper"])
def test_a_number_in_a_hidden_cell_is_found(manifest: Manifest, warehouse: Warehouse, number: str) -> None:
    (test,) = [node for node in manifest.nodes.values() if node.name == NAME]
    assert test.config.severity.lower() == "error"
    expression = test.test_metadata.kwargs["expression"]
    violations = f"select count(*)::int from published.cells where not coalesce({expression}, false)"
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table published.cells as select status, moves::bigint, value::float8, lower::float8, upper::float8"
            " from (values ('published', 10, 1.0, 0.5, 2.0), ('below_threshold', null, null, null, null))"
            " as cell (status, moves, value, lower, upper)"
        )
    assert warehouse.rows(violations) == [(0,)]
    with warehouse.transaction() as transaction:
        transaction.execute(f"update published.cells set {number} = 0 where status = 'below_threshold'")
    assert warehouse.rows(violations) == [(1,)]
