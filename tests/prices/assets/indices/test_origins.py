"""Recipes of the assets: the link window of the settings."""

from __future__ import annotations

import pytest

from ons_bigdata.prices.assets.indices import origins
from ons_bigdata.prices.methods.recipes import RECIPES
from ons_bigdata.settings import Settings


def test_the_link_window_of_the_settings_is_another_recipe_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "get_settings", Settings)
    monkeypatch.delenv("ONS_BIGDATA_LINK_WINDOW_DAYS", raising=False)
    assert origins.current_recipes() == RECIPES
    monkeypatch.setenv("ONS_BIGDATA_LINK_WINDOW_DAYS", "7")
    names = [recipe.name for recipe in origins.current_recipes()]
    assert names[0] == "web_daily_link_7_days"
    assert names[1:] == [recipe.name for recipe in RECIPES[1:]]
