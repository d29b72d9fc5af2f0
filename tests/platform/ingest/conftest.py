"""Landing of the invented number files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ons_bigdata.platform.ingest.landing import LandedFile, Landing
from tests.platform.ingest import number_files
from tests.platform.ingest.number_files import DAY

Land = Callable[..., tuple[LandedFile, bool]]


@pytest.fixture
def land(landing: Landing) -> Land:
    """Land a file of numbers; its table exists. `partitions` are those of its name: None for after reading."""
    with landing.warehouse.transaction() as transaction:
        transaction.execute(number_files.CREATE)

    def land(name: str, text: str, partitions: tuple[str, ...] | None = (DAY,)) -> tuple[LandedFile, bool]:
        return landing.land(
            text.encode(),
            source="numbers",
            delivery="one",
            name=name,
            data_origin=None if partitions == () else "simulated",
            partitions=partitions,
        )

    return land
