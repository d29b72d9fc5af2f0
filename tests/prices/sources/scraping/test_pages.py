"""Kept pages: written, read back, and refused where another program wrote them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.scraping.pages import LARGEST_PAGE, PageKeeper, decoded_page, read_pages
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


TEXT = b"<p>2</p>"


def _decoded(body: bytes, *encodings: str) -> tuple[bytes, str | None]:
    like = page("")
    found = decoded_page(
        url=like.url,
        status=200,
        content_type=None,
        encodings=list(encodings),
        body=body,
        collected_at=like.collected_at,
    )
    return found.body, found.fault


@pytest.mark.parametrize(
    ("layers", "encodings"),
    [
        (0, []),
        (0, ["identity"]),
        (1, []),
        (1, ["identity"]),
        (2, []),
        (2, ["gzip"]),
        (2, ["x-gzip, gzip"]),
        (2, ["gzip", "gzip"]),
    ],
    ids=["plain", "identity", "undeclared", "declared plain", "undeclared twice", "once of twice", "x-gzip", "lines"],
)
def test_gzip_is_read_whether_or_not_it_is_declared(layers: int, encodings: list[str]) -> None:
    body = TEXT
    for _ in range(layers):
        body = gzip.compress(body)
    assert _decoded(body, *encodings) == (TEXT, None)


@pytest.mark.parametrize(
    ("body", "encodings", "fault"),
    [
        (b" " * (LARGEST_PAGE + 1), [], "none: 16777217 bytes, expected at most 16777216"),
        (b" " * (LARGEST_PAGE + 1), ["identity"], "identity: 16777217 bytes, expected at most 16777216"),
        (gzip.compress(b" " * (LARGEST_PAGE + 1)), [], "none, found gzip: more than 16777216 bytes"),
        (gzip.compress(TEXT)[:-9], [], "none, found gzip: the body is cut off"),
        (b"\x28\xb5\x2f\xfd" + TEXT, [], "none, found zstd: zstd was not asked for"),
        (TEXT, ["gzip"], "gzip: "),
        (TEXT, [", ".join(["identity"] * 1000)], "identity, identity, identity, identity: more than 4 encodings"),
    ],
    ids=["large", "large identity", "bomb", "cut off", "zstd", "not packed", "many layers"],
)
def test_what_cannot_be_decoded_is_a_fault(body: bytes, encodings: list[str], fault: str) -> None:
    content, reason = _decoded(body, *encodings)
    assert content == b""
    assert str(reason).startswith(f"Content-Encoding {fault}")
