"""Settings of every crawl that are not Scrapy's defaults, each with its reason.

docs/prices/collection/scraping.md lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from ons_bigdata.prices.sources.retailer_files import RetailerFile

ROBOTS_NAME = "ons_bigdata"
"""Name that rules of robots.txt address."""

_MIDDLEWARES = "ons_bigdata.prices.sources.scraping.middlewares"


@dataclass(frozen=True)
class Override:
    """A setting that is not Scrapy's default."""

    value: Any
    reason: str


def user_agent(contact: str | None, version: str) -> str:
    """Return the user agent: project, version of the code, contact.

    Raises InputError without a contact, or with a contact that a header cannot contain.
    """
    if contact is None or not contact.strip():
        raise InputError(
            "no scrape without a contact: set ONS_BIGDATA_SCRAPER_CONTACT to an address or page by which a site's "
            "owner can reach you"
        )
    contact = contact.strip()
    if not contact.isascii() or not contact.isprintable() or len(contact) > 200:
        raise InputError(
            f"ONS_BIGDATA_SCRAPER_CONTACT: found {contact!r}; expected one line of up to 200 ASCII characters"
        )
    return f"ons_bigdata/{version} (+{contact})"


def overrides(file: RetailerFile, agent: str) -> dict[str, Override]:
    """Return the settings of a crawl that differ from Scrapy's defaults, each with its reason."""
    return {
        # identification and robots.txt
        "USER_AGENT": Override(agent, "the default names Scrapy; a site's owner must see who comes and whom to ask"),
        "ROBOTSTXT_OBEY": Override(True, "off by default"),
        "ROBOTSTXT_USER_AGENT": Override(ROBOTS_NAME, "the name alone is compared, not the whole user agent"),
        # rate of requests
        "CONCURRENT_REQUESTS": Override(1, "16 by default: one request at a time"),
        "CONCURRENT_REQUESTS_PER_DOMAIN": Override(1, "8 by default: one request at a time per site"),
        "DOWNLOAD_DELAY": Override(file.delay_s, "0 by default; at least one second, but for loopback sites"),
        "DOWNLOAD_DELAY_JITTER": Override(0, "0.5 by default: half of all delays would be shorter than asked for"),
        "AUTOTHROTTLE_ENABLED": Override(True, "off by default: slow down with the site"),
        "AUTOTHROTTLE_START_DELAY": Override(file.delay_s, "5 s by default, whatever the retailer file says"),
        "AUTOTHROTTLE_MAX_DELAY": Override(
            86_400, "60 s by default: a longer delay of the retailer file or of robots.txt would be cut to that"
        ),
        "RETRY_TIMES": Override(2, "as by default; written down because the budget rests on it"),
        "REDIRECT_MAX_TIMES": Override(3, "20 by default"),
        # accepted responses
        "DOWNLOAD_TIMEOUT": Override(30, "three minutes by default"),
        "DOWNLOAD_MAXSIZE": Override(16 * 1024 * 1024, "1 GiB by default"),
        "DOWNLOAD_WARNSIZE": Override(4 * 1024 * 1024, "32 MiB by default"),
        "DOWNLOAD_VERIFY_CERTIFICATES": Override(True, "off by default: a site must be the one it says it is"),
        "DOWNLOAD_HANDLERS": Override(
            dict.fromkeys(("data", "file", "ftp", "s3")), "only http and https: no page may make us read a file"
        ),
        "METAREFRESH_ENABLED": Override(False, "on by default: a page would send us on by its text"),
        "HTTPPROXY_ENABLED": Override(False, "on by default: variables of the environment would reroute the crawl"),
        "COOKIES_ENABLED": Override(False, "on by default: every page is asked for as by a stranger"),
        "REFERER_ENABLED": Override(False, "on by default: no page learns where we were"),
        "COMPRESSION_ENABLED": Override(
            False, "on by default: a body is decoded by the code that reads kept pages again, in gzip alone"
        ),
        "TWISTED_DNS_RESOLVER": Override(
            f"{_MIDDLEWARES}.CheckedResolver", "Scrapy's own lets a name lead to any address, private ones too"
        ),
        "ONS_BIGDATA_SITE_IS_LOOPBACK": Override(
            file.is_loopback, "ours: connections go to public addresses only, for a simulated shop to this machine only"
        ),
        "HTTPCACHE_ENABLED": Override(False, "as by default; written down: a price must come from the site"),
        # services of the process
        "TELNETCONSOLE_ENABLED": Override(False, "on by default: a console in the process, open to this machine"),
        "REMOTE_CONTROL_ENABLED": Override(False, "on by default: an HTTP server that runs the code it is sent"),
        "MEMUSAGE_LIMIT_MB": Override(1024, "no limit by default"),
        "EXTENSIONS": Override(
            {"scrapy.extensions.memusage.MemoryUsage": None, f"{_MIDDLEWARES}.PresentMemory": 0},
            "Scrapy's own measures the peak, which a process inherits from the one that starts it",
        ),
        "LOG_LEVEL": Override("WARNING", "DEBUG by default: every page in the log"),
        "STATS_DUMP": Override(False, "on by default: the outcome is a record, not a log line"),
        "DOWNLOADER_MIDDLEWARES": Override(
            {
                "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
                "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
                "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
                f"{_MIDDLEWARES}.RecordedRobots": 100,
                f"{_MIDDLEWARES}.PatientRetry": 550,
                f"{_MIDDLEWARES}.WithinLimits": 820,
                f"{_MIDDLEWARES}.KeptResponses": 890,
            },
            "Scrapy's own know hosts and not ports, take an unreachable robots.txt for leave, and ignore Retry-After",
        ),
    }


def scrapy_settings(file: RetailerFile, agent: str) -> dict[str, Any]:
    """Return the settings of a crawl."""
    return {name: override.value for name, override in overrides(file, agent).items()}
