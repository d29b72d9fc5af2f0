"""The rules as a function of a bucket of devices, as the engine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.phones.methods.anchors.rules import home_and_work
from ons_bigdata.phones.schemas.specification import Specification

if TYPE_CHECKING:
    from collections.abc import Mapping


def anchor_bucket(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Homes and workplaces of the devices of a bucket; see `home_and_work`.

    `bucket`: device, at_utc, cell, all rows of its devices. `parameters`: JSON values, `specification` (the document)
    and optionally `cells` (list of cell, zone). The result does not depend on how devices are divided among buckets.
    """
    cells = parameters.get("cells")
    return home_and_work(
        bucket,
        Specification.model_validate(parameters["specification"]),
        cells=None if cells is None else pl.DataFrame(cells, orient="row"),
    )
