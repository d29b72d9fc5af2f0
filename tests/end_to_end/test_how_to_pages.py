"""Pages of docs/how-to/, followed literally in a copy of the checkout: files touched, and commands that must pass.

`make test` runs the tests that are fast; ingests and the other commands of the pages are nightly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.command_line import ROOT
from tests.how_to_pages import Checkout, Page, Touched

PAGES = {name: Page(name) for name in ("add-a-source", "add-a-recipe", "add-a-finding", "add-a-formula", "add-a-pilot")}
FAST = (
    "tests/test_docs.py",
    "tests/dbt_project/test_dbt_sources.py",
    "tests/prices/methods/bilateral/test_axioms.py",
    "tests/prices/methods/recipes/test_index_recipes.py::test_the_fingerprints_of_the_recipes_are_pinned",
)
"""Tests that the pages name, or of the documents that they change, without those that take long."""


@dataclass(frozen=True)
class Followed:
    """A checkout in which every page has been followed, and the files that each touched."""

    checkout: Checkout
    touched: dict[str, Touched]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, short_tmp: Path) -> Iterator[Followed]:
    """Follow all pages in one copy of the checkout; stop the server that a command may have started in it."""
    home = short_tmp / "pages"
    checkout = Checkout.copy(tmp_path_factory.mktemp("checkout"), {"ONS_BIGDATA_HOME": str(home)})
    yield Followed(checkout, {name: checkout.follow(page) for name, page in PAGES.items()})
    if (home / "pg").exists():
        checkout.run("ons-bigdata down")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_touches_as_many_files_as_it_states(name: str, followed: Followed) -> None:
    touched = followed.touched[name]
    assert (len(touched.by_hand), len(touched.by_script)) == PAGES[name].files, touched
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert re.findall(rf"\(docs/how-to/{name}\.md\) \|.*\| (\d+) \|$", contributing, re.MULTILINE) == [
        str(len(touched.by_hand))
    ]


@pytest.mark.nightly
def test_sources_of_the_pages_take_in_their_files(followed: Followed, empty_database: Warehouse) -> None:
    sessions = [session for page in PAGES.values() for session in page.commands("console")]
    assert len(sessions) >= 2
    variables = {**followed.checkout.variables, "ONS_BIGDATA_DATABASE_URL": empty_database.address.libpq()}
    checkout = replace(followed.checkout, variables={**variables, "ONS_BIGDATA_ROLE_PREFIX": "test_ons"})
    for session in sessions:
        checkout.try_out(session)


def test_fast_tests_pass_after_the_pages(followed: Followed) -> None:
    followed.checkout.run(f"pytest -q {' '.join(FAST)}")


@pytest.mark.nightly
@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_a_page_passes(name: str, followed: Followed) -> None:
    for commands in PAGES[name].commands("sh"):
        followed.checkout.run(commands)
