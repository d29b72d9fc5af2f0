"""Dagster resources: the warehouse and the landing, opened when a run needs them. Nothing is pickled."""

from __future__ import annotations

from typing import Any, NoReturn

import dagster as dg

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse
from ons_bigdata.settings import get_settings


class WarehouseResource(dg.ConfigurableResource):
    """The migrated database of this installation."""

    def open(self) -> Warehouse:
        """Return the warehouse; starts the embedded server if it is needed."""
        return open_warehouse(get_settings())

    def landing(self) -> Landing:
        """Return the landing folder with its ledger in this warehouse."""
        return Landing(get_settings().landing_dir, self.open())


class NoIOManager(dg.IOManager):
    """Refuses to store anything: assets write tables and return `MaterializeResult`, never values."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401
        """Raise for any value; `None` is what an asset without a value gives."""
        if obj is not None:
            raise TypeError(f"{context.asset_key} returned a {type(obj).__name__}; return a MaterializeResult")

    def load_input(self, context: dg.InputContext) -> NoReturn:
        """Raise: inputs are read from tables."""
        raise TypeError(f"{context.asset_key}: inputs are read from tables, not passed between assets")
