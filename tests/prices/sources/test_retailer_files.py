"""Retailer files: accepted files, and the messages of refused ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.retailer_files import RetailerFile, read_retailer_file, retailers_with_file

GOOD = {
    "retailer": "sim-alder",
    "name": "Alder",
    "site": "http://127.0.0.1:8871",
    "page_kind": "html_list",
    "clock": "site",
    "delay_s": 0,
    "navigation": {"start": "/", "links": "nav a"},
    "selectors": {"product": "li", "name": "a", "price": "b"},
    "categories": [{"item_number": 210111, "item_name": "White sliced loaf", "category": "White Bread"}],
}
REAL = {"site": "https://shop.example", "clock": "real", "delay_s": 2}
IN_STATE = {
    "page_kind": "next_data",
    "navigation": {"start": "/", "state": "categories", "path": "/browse/{slug}"},
    "selectors": {"products": "products", "name": "name", "price": "price"},
}


def read(folder: Path, **changes: object) -> RetailerFile:
    path = folder / "sim-alder.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return read_retailer_file(path)


def test_a_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    file = read(tmp_path)
    assert (file.is_loopback, file.origin, file.request_budget) == (True, ("http", "127.0.0.1", 8871), 2_000)
    assert f"{file.allowed_hours[0]:%H:%M}" == "05:00"
    assert read(tmp_path, **REAL).is_loopback is False
    assert read(tmp_path, **IN_STATE).load_more is None
    assert retailers_with_file(tmp_path) == ["sim-alder"]
    assert retailers_with_file(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delay": 1}, "delay: Extra inputs are not permitted"),
        ({"site": "127.0.0.1"}, "expected http(s)://host"),
        *(({"site": f"http://127.0.0.1{end}"}, "without a path") for end in ("/shop", "/?q=1", "?", "#top")),
        ({"site": "http://me:word@127.0.0.1"}, "user name or password"),
        ({**REAL, "delay_s": 0.5}, "below 1 only for a loopback site"),
        ({**REAL, "clock": "site"}, "'site' only for a loopback site"),
        ({"page_kind": "pdf"}, "page_kind"),
        ({"page_kind": "next_data"}, "navigation: state, path missing"),
        ({"selectors": {"product": "li", "name": "a"}}, "selectors: price missing"),
        ({"selectors": {**GOOD["selectors"], "prise": "b"}}, "selectors: prise unknown for html_list; known:"),
        ({"selectors": {**GOOD["selectors"], "price": "b["}}, "selectors.price: 'b[' cannot be read"),
        ({**IN_STATE, "selectors": {**IN_STATE["selectors"], "price": "a..b"}}, "selectors.price"),
        ({"patterns": {"price": "("}}, "price: '(' cannot be read"),
        ({"patterns": {"id": "x"}}, "patterns: id: no selector finds it; known: name, price"),
        ({"selectors": {**GOOD["selectors"], "unit": "i"}}, "selectors: unit unknown for html_list; known: empty, id"),
        ({**IN_STATE, "selectors": {**IN_STATE["selectors"], "next_page": "a"}}, "next_page unknown for next_data"),
        ({**IN_STATE, "navigation": {**IN_STATE["navigation"], "name": "a..b"}}, "navigation.name: 'a..b' cannot be"),
        ({"page_kind": "json_ld", "selectors": {}, "patterns": {"name": "x"}}, "no selector finds it; known: none"),
        ({"page_kind": "json_ld", "selectors": {"price": "b"}}, "price unknown for json_ld; known: empty, next_page"),
        ({"allowed_hours": ["12:00", "05:00"]}, "expected the earlier first"),
        ({"allowed_hours": ["05:00Z", "12:00Z"]}, "expected those of London, without"),
        ({"allowed_hours": [600, 720]}, "without quotes YAML reads 12:00 as 720"),
        ({"categories": []}, "categories"),
        ({"categories": GOOD["categories"] * 2}, "stands twice for item 210111"),
        ({"retailer": "sim-birch"}, "expected 'sim-alder', as the file"),
        ({"request_budget": 0}, "request_budget"),
    ],
)
def test_errors_name_key_value_and_expected_value(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, **changes)
    assert words in str(error.value)
    assert "sim-alder.yaml" in str(error.value)


@pytest.mark.parametrize(("text", "words"), [("a: [", "not YAML"), ("- 1", "expected keys and values")])
def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sim-alder.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_retailer_file(path)


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels))]
    return "\n".join([*lines, f"retailer: *a{levels - 1}"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{" * 5_000, "found 5000 open brackets, expected at most 100"),
        ("[" * 100_000, "open brackets"),
        ("a: " + "[{a: " * 60, "open brackets"),
        ("# " + "x" * 1_000_000, "characters, expected at most"),
        (laughs(12), "retailer: Input should be a valid string"),
    ],
    ids=["braces", "brackets", "mixed", "long", "aliases"],
)
def test_a_file_of_any_size_is_refused_at_once_with_a_short_message(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "sim-alder.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_retailer_file(path)
    assert len(str(error.value)) < 5_000


def test_the_error_of_a_missing_file_names_the_expected_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="add-a-retailer"):
        read_retailer_file(tmp_path / "oak.yaml")
