"""Mutated pages and price texts: no exception, each product is a row or a failure, no invented price."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from ons_bigdata.prices.sources.scraping.extraction import extract, fault_of, read_navigation
from ons_bigdata.prices.sources.scraping.extraction.multibuys import multibuy
from ons_bigdata.prices.sources.scraping.extraction.page import PageContent, UnreadableError
from ons_bigdata.prices.sources.scraping.extraction.price_texts import read_price_text
from ons_bigdata.prices.sources.scraping.extraction.unit_prices import unit, unit_price
from tests.mutations import FEW, LONGEST_S, MANY, chances, mutate_text
from tests.prices.sources.scraping.pages_of_shops import (
    MICRODATA,
    RDFA,
    cedar,
    ld,
    line,
    page,
    product,
    retailer,
    shelf,
    state,
)

ALPHABET = [
    *(
        "<",
        ">",
        "</span>",
        "<del>",
        "</del>",
        "<sup>50</sup>",
        "[",
        "]",
        "{",
        "}",
        '"',
        ",",
        ":",
        "\\",
        "£",
        "€",
        "-",
        "−",
    ),
    *(
        "\0",
        "\ud83c",
        "\u202e",
        "9" * 50,
        ".",
        "1e5",
        "NaN",
        "null",
        "Was ",
        "Clubcard ",
        "per kg",
        "2 for ",
        "<!--",
        "&#0;",
    ),
]
PAGES = {
    "html_list": shelf(line(1), line(2, "99p"), line(3, "Was £2.00 Now £1.50"), following="?page=2"),
    "json_ld": ld(
        {"@graph": [product(1), product(2, price="99p"), {"@type": "ProductGroup", "hasVariant": [product(3)]}]}
    ),
    "microdata": MICRODATA,
    "rdfa": RDFA,
    "next_data": state(products=[cedar(1), cedar(2, memberPrice=1.2)], categories=[{"name": "a", "slug": "b"}]),
    "json_api": json.dumps(
        {"items": [{"id": 1, "title": "a", "price": "99p"}, {"title": "b", "price": 1}], "next": "x"}
    ),
}
TEXTS = (
    "Was £2.00 Now £1.50",
    "£1.50 (15p/100g)",
    "any 2 for £3",
    "Clubcard price £1.20",
    "€1.50",
    "1.250,00",
    "£1,250.00",
)
LABELS = ("was {}", "clubcard {}", "2 for {}", "{} per kg", "save {}", "{} ex VAT", "from {}", "€{}", "-{}", "RRP {}")


FILES = {kind: retailer(kind) for kind in PAGES}


def check_page(kind: str, chance: random.Random) -> None:
    file, body = FILES[kind], mutate_text(PAGES[kind], chance, ALPHABET).encode("utf-8", "surrogatepass")
    asked, begin = page(body), time.process_time()
    content: PageContent | None = None
    with suppress(UnreadableError):
        content = extract(file, asked)
    fault_of(asked, content, None)
    with suppress(UnreadableError):
        read_navigation(file, asked)
    assert time.process_time() - begin < LONGEST_S
    for listing in content.listings if content else []:
        assert listing["price_gbp"] > 0
        assert listing["product_name"].strip()


def check_text(chance: random.Random) -> None:
    text = mutate_text(chance.choice(TEXTS), chance, ALPHABET)
    begin = time.process_time()
    read, _, _, _ = read_price_text(text), multibuy(text), unit(text), unit_price(text)
    assert time.process_time() - begin < LONGEST_S
    assert read.price_gbp is None or read.price_gbp >= 0
    amount = f"£{chance.randint(1, 99_999) / 100:.2f}"
    assert read_price_text(amount).price_gbp == float(amount[1:])
    asked = chance.choice(LABELS).format(amount if chance.random() < 0.5 else amount[1:])
    assert read_price_text(asked).price_gbp is None, asked


CHECKS: dict[str, Callable[[random.Random], None]] = {
    **{kind: lambda chance, kind=kind: check_page(kind, chance) for kind in PAGES},  # type: ignore[misc]
    "price text": check_text,
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_few_hundred_mutations(name: str) -> None:
    for chance in chances(FEW):
        CHECKS[name](chance)


@pytest.mark.nightly
@pytest.mark.parametrize("name", CHECKS)
def test_ten_thousand_mutations(name: str) -> None:
    for chance in chances(MANY):
        CHECKS[name](chance)


def test_hostile_pages_of_every_kind_are_read_in_time() -> None:
    for body in (
        "<a" * 100_000,
        "<b itemscope itemprop=x>" * 3_000,
        "<del>" * 3_000 + "1",
        "[" * 50_000,
        "//\n" * 20_000,
        "<!--" * 100_000,
        "1<!--" * 100_000 + "{",
        "1 " * 500_000,
    ):
        for kind in PAGES:
            for text in (body, f"<script type='application/ld+json'>{body}</script>", ld(body)):
                begin = time.process_time()
                with suppress(UnreadableError):
                    extract(FILES[kind], page(text))
                assert time.process_time() - begin < LONGEST_S, (kind, body[:20])
