"""Checks that read no data: they give the same result for the same code, and are evaluated when that changes."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.dagster.by_period import basis_of
from ons_bigdata.platform.dagster.unchanged.outcomes import Work, keep_outcome, kept_outcome

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
        name, basis = f"{'.'.join(self.asset.path)} {self.name}", self.code_hash()
        with store.transaction() as transaction:
            known = kept_outcome(transaction, Work.check, name, basis)
        if known is not None:
            unchanged = {"unchanged_since": dg.MetadataValue.timestamp(known.kept_at)}
            return dg.AssetCheckResult(passed=True, metadata={**known.values, **unchanged})
        result = evaluate()
        if result.passed:
            with store.transaction() as transaction:
                keep_outcome(transaction, Work.check, name, basis, _plain(result.metadata))
        return result

    def code_hash(self) -> str:
        """Hash of the code under test, the libraries and the settings."""
        basis = basis_of(packages=tuple(self.modules), libraries=tuple(self.libraries))
        text = f"{basis} {platform.python_version()} {self.settings}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def _plain(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, object]:
    return {name: value.value for name, value in metadata.items()}
