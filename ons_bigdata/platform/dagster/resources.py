"""Dagster resources: the warehouse, the landing, and an IO manager that stores nothing."""

from __future__ import annotations

from typing import Any, NoReturn

import dagster as dg
from pydantic import PrivateAttr

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse
from ons_bigdata.settings import get_settings


class WarehouseResource(dg.ConfigurableResource):
    """The migrated database of this installation, opened on use."""

    _latest: Warehouse | None = PrivateAttr(default=None)
    """Keeps the connections of one step open for the next."""

    def open(self) -> Warehouse:
        """Return the warehouse; start the embedded server if it is needed."""
        self._latest = open_warehouse(get_settings())
        return self._latest

    def landing(self) -> Landing:
        """Return the landing folder with its ledger in this warehouse."""
        return Landing(get_settings().landing_dir, self.open())

    def lake(self) -> Lake:
        """Return the lake with its catalog in this warehouse."""
        return Lake(get_settings().lake_dir, self.open())


class NoIOManager(dg.IOManager):
    """IO manager that refuses values: assets write tables and return `MaterializeResult`; nothing is pickled."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ANN401
        """Raise TypeError for any value but `None`, the output of an asset without a value."""
        if obj is not None:
            raise TypeError(f"{context.asset_key} returned a {type(obj).__name__}; return a MaterializeResult")

    def load_input(self, context: dg.InputContext) -> NoReturn:
        """Raise TypeError: inputs are read from tables."""
        raise TypeError(f"{context.asset_key}: inputs are read from tables, not passed between assets")
