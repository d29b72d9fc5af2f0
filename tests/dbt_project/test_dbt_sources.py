"""Generated dbt sources: equal to the frames, and how texts of frames become descriptions."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import dataframely as dy
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dbt_sources", ROOT / "scripts" / "dbt_sources.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dbt_sources = load_script()


class Quote(dy.Schema):
    """One row per quote (`raw.quotes`): what a shop asks.

    The second paragraph stays out.
    """

    shop = dy.String(primary_key=True, description="shop id")
    state = dy.String(description="open; closed")
    price_gbp = dy.Float64(description='price, e.g. "1.50"')


class Silent(dy.Schema):
    """One row per thing."""

    thing = dy.String()


class Odd(dy.Schema):
    """Quotes."""

    thing = dy.String(description="thing")


def test_generated_sources_are_up_to_date() -> None:
    outdated = [str(path) for path, text in dbt_sources.files().items() if path.read_text("utf-8") != text]
    assert outdated == [], "run scripts/dbt_sources.py"


def test_no_generated_file_is_left_of_a_schema_without_tables() -> None:
    kept = {path for schema in dbt_sources.SCHEMAS for path in dbt_sources.STAGING.rglob(f"__sources_{schema}.yml")}
    assert kept == set(dbt_sources.files())


def test_docstrings_and_column_texts_become_descriptions() -> None:
    (source,) = yaml.safe_load(dbt_sources.render("raw", {"raw.quotes": Quote}))["sources"]
    (table,) = source["tables"]
    assert (source["schema"], table["name"]) == ("raw", "quotes")
    assert table["description"] == "One row per quote: what a shop asks."
    assert table["config"]["meta"]["dagster"]["asset_key"] == ["raw", "quotes"]
    assert [(column["name"], column["description"]) for column in table["columns"]] == [
        ("shop", "Shop id."),
        ("state", "open; closed."),
        ("price_gbp", 'Price, e.g. "1.50".'),
    ]


def test_a_column_without_description_is_named() -> None:
    with pytest.raises(ValueError, match=r"Silent\.thing has no description"):
        dbt_sources.render("raw", {"raw.things": Silent})


def test_a_docstring_without_the_meaning_of_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Odd: the docstring begins with 'Quotes\.', expected 'One row per …'"):
        dbt_sources.render("raw", {"raw.things": Odd})
