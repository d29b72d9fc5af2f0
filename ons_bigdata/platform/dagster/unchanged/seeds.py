"""Seeds that are as they were when they were last built and passed their tests: a run need not build them again.

A run of one day would load the same files into the same tables, and ask them a hundred questions that they answered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.dagster.unchanged.outcomes import Work, keep_outcome, kept_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ons_bigdata.platform.postgres.warehouse import Transaction


@dataclass(frozen=True)
class Seeds:
    """Seeds of a pilot: their tables, as `schema.table`, and the hash of the project that they belong to."""

    pilot: str
    tables: Sequence[str]
    project_hash: str

    def passed_at(self, transaction: Transaction) -> datetime | None:
        """Time when the tables were last built and passed, if project and rows are the same; else None."""
        basis = self._basis(transaction)
        passed = None if basis is None else kept_outcome(transaction, Work.seeds, self.pilot, basis)
        return None if passed is None else passed.kept_at

    def record(self, transaction: Transaction) -> None:
        """Record that the tables have just been built, and that all their tests passed."""
        keep_outcome(transaction, Work.seeds, self.pilot, self._basis(transaction) or "", {})

    def rows(self, transaction: Transaction) -> dict[str, int]:
        """Rows by table."""
        return {name: rows for name, rows, _ in self._contents(transaction)}

    def _basis(self, transaction: Transaction) -> str | None:
        """Hashes of the project and of the rows of all tables; None where one is missing."""
        missing = "select count(*)::int from unnest(string_to_array($1, ' ')) as name where to_regclass(name) is null"
        if transaction.rows(missing, [" ".join(self.tables)]) != [(0,)]:
            return None
        content_hash = hashlib.sha256(repr(sorted(self._contents(transaction))).encode()).hexdigest()
        return f"{self.project_hash} {content_hash}"

    def _contents(self, transaction: Transaction) -> list[tuple[str, int, str]]:
        """Name, rows and sum of the hashes of the rows of each table."""
        query = " union all ".join(
            f"select '{name}', count(*), sum(hashtextextended(seed::text, 0))::text from {name} as seed"  # noqa: S608
            for name in self.tables
        )
        return transaction.rows(query)


def outcomes_of_last_build(
    context: dg.AssetExecutionContext, passed_at: datetime, rows: Mapping[str, int]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Outcomes of seeds that are not built again: those of the build of `passed_at`, which passed every test.

    `rows`: rows by `schema.table`.
    """
    unchanged = {"unchanged_since": dg.MetadataValue.timestamp(passed_at)}
    for key in sorted(context.selected_asset_keys):
        count = {"dagster/row_count": rows[".".join(key.path)]}
        yield dg.MaterializeResult(asset_key=key, metadata={**count, **unchanged})
    for check in sorted(context.selected_asset_check_keys):
        yield dg.AssetCheckResult(passed=True, asset_key=check.asset_key, check_name=check.name, metadata=unchanged)
