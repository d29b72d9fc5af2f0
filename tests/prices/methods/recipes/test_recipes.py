"""Recipes: the known ones, their fingerprints, and the base week they ask for."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from ons_bigdata.prices.methods.recipes.catalogue import (
    INDEX_RECIPES,
    WEB_DAILY,
    Recipe,
    base_weeks,
    index_recipe,
    parameters_hash,
)


def test_the_fingerprint_of_web_daily_is_pinned():
    # sha256 of {"aggregation":"arithmetic","base":"first_complete_week","link_window_days":14,
    # "name":"web_daily","weights_year":2016}: if this fails, published figures have lost their recipe.
    assert parameters_hash(WEB_DAILY) == "a1e9a7cce285dc4a"


def test_every_parameter_changes_the_fingerprint(monkeypatch):
    monkeypatch.setattr("ons_bigdata.prices.methods.recipes.catalogue.BASES", ("first_complete_week", "other"))
    monkeypatch.setattr("ons_bigdata.prices.methods.recipes.catalogue.AGGREGATIONS", ("arithmetic", "other"))
    others: dict[str, Any] = {
        "name": "other",
        "link_window_days": 15,
        "base": "other",
        "aggregation": "other",
        "weights_year": 2015,
    }
    assert set(others) == {field.name for field in fields(Recipe)}
    hashes = {parameters_hash(WEB_DAILY)} | {parameters_hash(replace(WEB_DAILY, **{n: v})) for n, v in others.items()}
    assert len(hashes) == 1 + len(others)


def test_equal_parameters_have_equal_fingerprints():
    assert parameters_hash(replace(WEB_DAILY)) == parameters_hash(WEB_DAILY)


def test_a_recipe_is_found_by_name_and_frozen():
    assert all(index_recipe(one.name) is one for one in INDEX_RECIPES)
    with pytest.raises(FrozenInstanceError):
        WEB_DAILY.link_window_days = 3  # type: ignore[misc]


def test_unknown_names_and_options_list_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown recipe 'ons_2062'; known: clip, cpi_like, fews, ons_2026"):
        index_recipe("ons_2062")
    with pytest.raises(ValueError, match=r"unknown base 'first_week'; known: first_complete_week"):
        replace(WEB_DAILY, base="first_week")
    with pytest.raises(ValueError, match=r"unknown aggregation 'geometric'; known: arithmetic"):
        replace(WEB_DAILY, aggregation="geometric")
    with pytest.raises(ValueError, match=r"link_window_days is 0, expected 1 to 366"):
        replace(WEB_DAILY, link_window_days=0)


def test_each_data_origin_has_its_own_base_week():
    monday = date(2016, 7, 25)
    days = {
        "real": [monday + timedelta(days=n) for n in range(-1, 8)],
        "simulated": [monday + timedelta(days=n) for n in range(6)],
    }
    quotes = pl.DataFrame(
        [(origin, day) for origin, own in days.items() for day in own],
        schema={"data_origin": pl.String, "collected_on": pl.Date},
        orient="row",
    )
    assert base_weeks(quotes) == {"real": (monday, monday + timedelta(days=6)), "simulated": None}
    assert base_weeks(quotes.clear()) == {}
