"""Files that wait for an ingest while another one loads them."""

from __future__ import annotations

import pytest

from ons_bigdata.commands.ingest import _partitions_of
from ons_bigdata.platform.ingest.landing import Landing
from tests.platform.ingest.reading_files import SOURCE, land


@pytest.mark.parametrize("names", [[], ["r.txt"]])
def test_files_that_another_ingest_loaded_meanwhile_have_no_partitions(landing: Landing, names: list[str]) -> None:
    land(landing, "r.txt", b"2016-07-21,1,0.5\n")
    assert _partitions_of(landing, SOURCE, names) == []
