"""Checks that read no data: they give the same result for the same code, and are evaluated when that changes."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.dagster.by_period import basis_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ons_bigdata.platform.postgres.warehouse import Warehouse


@dataclass(frozen=True)
class CodeCheck:
    """A check of an asset that depends on code and settings alone.

    `modules`: packages or modules under test and that of the check itself. `libraries`: distributions whose versions
    count. `settings`: what else the result depends on, as text.
    """

    asset: dg.AssetKey
    name: str
    modules: Sequence[str]
    libraries: Sequence[str]
    settings: str = ""

    def result(self, store: Warehouse, evaluate: Callable[[], dg.AssetCheckResult]) -> dg.AssetCheckResult:
        """Result of the check: of an earlier evaluation if it passed with the same code, else of a new one.

        An earlier result has `unchanged_since` in its metadata. One that did not pass is never kept. The metadata of
        `evaluate` are texts and whole numbers.
        """
        current = self.code_hash()
        asset = ".".join(self.asset.path)
        with store.transaction() as transaction:
            known = transaction.rows(
                "select metadata::text, passed_at from ops.code_checks"
                " where asset = $1 and check_name = $2 and code_hash = $3",
                [asset, self.name, current],
            )
            if known:
                metadata, passed_at = known[0]
                unchanged = {"unchanged_since": dg.MetadataValue.timestamp(passed_at)}
                return dg.AssetCheckResult(passed=True, metadata={**json.loads(metadata), **unchanged})
        result = evaluate()
        if result.passed:
            with store.transaction() as transaction:
                transaction.execute(
                    "insert into ops.code_checks (asset, check_name, code_hash, metadata)"
                    " values ($1, $2, $3, $4::text::jsonb)"
                    " on conflict (asset, check_name) do update set code_hash = excluded.code_hash,"
                    " metadata = excluded.metadata, passed_at = clock_timestamp()",
                    [asset, self.name, current, json.dumps(_plain(result.metadata))],
                )
        return result

    def code_hash(self) -> str:
        """Hash of the code under test, the libraries and the settings."""
        basis = basis_of(packages=tuple(self.modules), libraries=tuple(self.libraries))
        text = f"{basis} {platform.python_version()} {self.settings}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, object]:
    return {name: value.value for name, value in metadata.items()}
