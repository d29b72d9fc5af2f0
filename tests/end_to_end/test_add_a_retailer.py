"""docs/how-to/add-a-retailer.md: its files and commands, applied literally from the shop to the report."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine

PAGE = (ROOT / "docs" / "how-to" / "add-a-retailer.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    return textwrap.dedent(re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)[0])


@pytest.mark.nightly
def test_the_page_followed_on_the_command_line_brings_a_fourth_shop_into_the_indices(short_tmp: Path) -> None:
    dbt_project = shutil.copytree(ROOT / "dbt_project", short_tmp / "dbt", ignore=shutil.ignore_patterns("target"))
    with (dbt_project / "seeds" / "prices" / "collection" / "retailers.csv").open("a", encoding="utf-8") as seed:
        seed.write(_block("csv"))
    variables = (
        ("ONS_BIGDATA_SCRAPER_CONTACT", "prices@example.org"),
        ("ONS_BIGDATA_DBT_PROJECT_DIR", str(dbt_project)),
    )
    command = CommandLine(short_tmp / "damson", variables)
    file = command.home / "retailers" / "sim-damson.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(_block("yaml"), encoding="utf-8")
    opening = command.command("simulate", "shops", "--retailer", "sim-damson", "--port", "8874")
    shop = subprocess.Popen(opening, env=command.environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert "sim-damson http://127.0.0.1:8874" in shop.stdout.readline()  # it responds
        scraped = command.run("scrape", "prices", "--retailer", "sim-damson", "--day", "2016-05-29").stdout
        assert "2 categories found, 0 missing, 0 failed" in scraped
        assert "0 rows changed" in command.run("reparse", "prices", "--retailer", "sim-damson").stdout
        command.run("materialize", "--select", "tag:pilot=prices", "--from", "2016-05-29", "--to", "2016-05-29")
        counts = command.query("select distinct retailer, item_number, status from marts.price_quote_counts order by 2")
        assert [(one["item_number"], one["status"]) for one in counts] == [(210111, "unjudged"), (211709, "unjudged")]
        assert "Damson (simulated): collected, 1 file" in command.run("report", "prices").stdout
        assert file.read_text(encoding="utf-8") == _block("yaml")  # the shop leaves the user's file alone
    finally:
        shop.terminate()
        shop.communicate()
        command.run("down", code=None)
