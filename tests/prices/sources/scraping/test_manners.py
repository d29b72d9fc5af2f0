"""The settings in force against Scrapy's defaults and the documented list; the user agent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from scrapy.core.downloader import Slot
from scrapy.crawler import Crawler
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.settings import Settings as ScrapySettings

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.scraping.manners import overrides, scrapy_settings, user_agent
from ons_bigdata.prices.sources.scraping.spiders import SPIDERS
from ons_bigdata.settings import PROJECT_ROOT
from tests.prices.sources.scraping.pages_of_shops import retailer

AGENT = "ons_bigdata/0 (+prices@example.org)"
AS_BY_DEFAULT = {"RETRY_TIMES", "HTTPCACHE_ENABLED"}
"""Written down though they are Scrapy's own: the page says why."""


@pytest.fixture(params=sorted(SPIDERS))
def in_force(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of a crawl of each page family that differ from Scrapy's defaults."""
    file = retailer(request.param, site="https://shop.example", clock="real", delay_s=2)
    crawler = Crawler(SPIDERS[request.param], scrapy_settings(file, AGENT))
    defaults = ScrapySettings().copy_to_dict()
    return {name: value for name, value in crawler.settings.copy_to_dict().items() if value != defaults.get(name)}


def documented() -> dict[str, str]:
    """Return setting → reason of the page's table."""
    text = (PROJECT_ROOT / "docs" / "prices" / "collection" / "scraping.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([A-Z_]+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))


def test_the_page_lists_every_setting_that_is_not_scrapys_with_its_reason(in_force: dict[str, Any]) -> None:
    file = retailer("html_list", site="https://shop.example", clock="real", delay_s=2)
    listed = documented()
    assert set(in_force) | AS_BY_DEFAULT == set(listed)
    assert listed == {name: override.reason for name, override in overrides(file, AGENT).items()}


def test_what_must_never_be_weaker(in_force: dict[str, Any]) -> None:
    assert in_force["ROBOTSTXT_OBEY"] is True
    assert (in_force["CONCURRENT_REQUESTS"], in_force["CONCURRENT_REQUESTS_PER_DOMAIN"]) == (1, 1)
    assert in_force["DOWNLOAD_DELAY"] >= 1
    assert in_force["AUTOTHROTTLE_ENABLED"] is True
    assert in_force["DOWNLOAD_VERIFY_CERTIFICATES"] is True
    for name in ("COOKIES_ENABLED", "TELNETCONSOLE_ENABLED", "REMOTE_CONTROL_ENABLED", "REFERER_ENABLED"):
        assert in_force[name] is False


def test_the_throttle_cuts_no_long_delay() -> None:
    file = retailer("html_list", site="https://shop.example", clock="real", delay_s=300)
    crawler = Crawler(SPIDERS["html_list"], scrapy_settings(file, AGENT))
    throttle, slot = AutoThrottle(crawler), Slot(concurrency=1, delay=300, jitter=0)
    throttle.mindelay, throttle.maxdelay = throttle._min_delay(), throttle._max_delay()
    throttle._adjust_delay(slot, 0.1, Response("https://shop.example/"))
    assert slot.delay == 300


def test_the_user_agent_names_us_and_a_contact() -> None:
    assert user_agent(" prices@example.org ", "1.2") == "ons_bigdata/1.2 (+prices@example.org)"


@pytest.mark.parametrize("contact", [None, "", "  ", "a\nX-Other: 1", "prés@example.org", "x" * 201])
def test_no_scrape_without_a_contact_that_a_header_can_carry(contact: str | None) -> None:
    with pytest.raises(InputError, match="ONS_BIGDATA_SCRAPER_CONTACT"):
        user_agent(contact, "1.2")
