"""Kept pages: written, read back, and refused where another program wrote them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.scraping.pages import PageKeeper, read_pages
from tests.prices.sources.scraping.pages_of_shops import page


def test_pages_come_back_as_they_were_kept(tmp_path: Path) -> None:
    plain, packed = page("<p>£1.50</p>"), page(gzip.compress(b"<p>2</p>"), url="http://127.0.0.1:8871/2?page=2")
    with PageKeeper(tmp_path / "pages.warc.gz") as keeper:
        keeper.describe({"software": "test"})
        keeper.keep(plain, [("Content-Type", "text/html; charset=utf-8")], {"kind": "list", "category": "Brøt"})
        keeper.keep(packed, [("Content-Type", "text/html"), ("Content-Encoding", "gzip")], {"kind": "more"})
        assert not (tmp_path / "pages.warc.gz").exists()
        path = keeper.finish()
    first, second = read_pages(path.read_bytes(), name=path.name)
    assert first.page == plain
    assert first.context["category"] == "Brøt"
    assert (second.page.body, second.page.url) == (b"<p>2</p>", packed.url)
    assert (keeper.pages, keeper.bytes_received) == (2, len(plain.body) + len(packed.body))


@pytest.mark.parametrize(
    "content", [b"no pages", gzip.compress(b"WARC/1.0\r\nWARC-Type: response\r\n\r\n")], ids=["no gzip", "no record"]
)
def test_what_is_no_file_of_ours_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(InputError, match=r"kept pages x\.warc\.gz: not a WARC file of ours"):
        list(read_pages(content, name="x.warc.gz"))
