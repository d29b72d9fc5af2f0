"""Outcomes of work that stand while its basis, a text of all that they depend on, is the same (`ops.kept_outcomes`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ons_bigdata.platform.postgres.warehouse import Transaction


class Work(StrEnum):
    """Kind of work whose outcome is kept."""

    check = "check"
    """A check that reads no data, `asset check`; the outcome is its metadata."""
    lineage = "lineage"
    """Column lineage of a query of dbt, by the id of the node; the outcome has the sources of each column."""
    seeds = "seeds"
    """Seeds of a pilot, built and tested; no outcome but that they passed."""
    table = "table"
    """A table that is replaced whole, `schema.table`; the outcome has its number of rows."""


@dataclass(frozen=True)
class Outcome:
    """An outcome, and when it was reached."""

    values: Mapping[str, Any]
    kept_at: datetime


def kept_outcome(transaction: Transaction, work: Work, name: str, basis: str) -> Outcome | None:
    """Outcome of work that was last done on this basis; None where it was done on another one, or never."""
    found = transaction.rows(
        "select outcome::text, kept_at from ops.kept_outcomes where work = $1 and name = $2 and basis = $3",
        [work.value, name, basis],
    )
    return Outcome(json.loads(found[0][0]), found[0][1]) if found else None


def keep_outcome(transaction: Transaction, work: Work, name: str, basis: str, values: Mapping[str, Any]) -> None:
    """Keep the outcome of work that has just been done, in the place of the last one. `values`: as in JSON."""
    transaction.execute(
        "insert into ops.kept_outcomes (work, name, basis, outcome) values ($1, $2, $3, $4::text::jsonb)"
        " on conflict (work, name) do update set basis = excluded.basis, outcome = excluded.outcome,"
        " kept_at = clock_timestamp()",
        [work.value, name, basis, json.dumps(values)],
    )
