"""`harvest tweets`: collect the stream of posts, roll it into landing, and load what has landed."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import failed_checks_of, land, load_waiting
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import adapter_context, with_tables
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.state_folder import prepare_state_folder
from ons_bigdata.tweets.sources import SOURCES
from ons_bigdata.tweets.sources.stream.collector import Collector, StreamAccess
from ons_bigdata.tweets.sources.stream.timing import StreamTiming

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ons_bigdata.settings import Settings
    from ons_bigdata.tweets.sources.stream.collector import CollectorSummary

SPOOL = "tweets"
"""Folder of the stream of posts below that of all spools."""

LEAST_LEGAL_BASIS = 20
"""Characters of the shortest statement of a legal basis."""

_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")


@dataclass(frozen=True)
class HarvestSummary:
    """Outcome of a collection, and the checks that failed when its files were loaded."""

    collected: CollectorSummary
    is_loaded: bool
    """False where a signal ended the collection: the files wait for the sensor, or for the next command."""
    failed_checks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        collected = asdict(self.collected)
        rolled = collected.pop("rolled")
        return {
            **collected,
            **{f"rolled_{name}": count for name, count in rolled.items()},
            "is_loaded": self.is_loaded,
            "failed_checks": self.failed_checks,
        }


def harvest_tweets(
    settings: Settings,
    *,
    url: str | None = None,
    seconds: float | None = None,
    posts: int | None = None,
    on_stop: Callable[[Callable[[], None]], None] = lambda _: None,
    report: Callable[[str], None] = lambda _: None,
) -> HarvestSummary:
    """Collect the stream of posts for some seconds or posts, or until somebody stops it; then load what has landed.

    `on_stop` is given the function that stops the collection. A collection that is stopped loads nothing: rolled files
    wait for the sensor of rolled files. Raises InputError where a required setting is missing, the address is neither
    https nor loopback, and the platform refuses for good; UnavailableError where another collector runs.
    """
    access = stream_access(settings, url)
    key = adapter_context(settings, SOURCES).pseudonym_key  # without it nothing can be landed
    if key is None:
        raise ValueError("the sources of the stream have no pseudonym key")
    warehouse = open_warehouse(settings)
    prepare_state_folder(settings.home)
    landing = Landing(settings.landing_dir, warehouse)
    stopped = threading.Event()
    collector = Collector(
        settings.spool_dir / SPOOL,
        access,
        land=lambda paths: _land(paths, settings, landing),
        key=key,
        timing=StreamTiming(roll_s=settings.tweet_stream_roll_s),
        posts=posts,
        report=report,
    )

    def stop() -> None:
        stopped.set()
        collector.stop()

    on_stop(stop)
    timer = None if seconds is None else threading.Timer(seconds, collector.stop)
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        collected = collector.run()
    finally:
        if timer is not None:
            timer.cancel()
    if stopped.is_set():
        return HarvestSummary(collected, is_loaded=False)
    written = load_waiting(settings, landing, with_tables(SOURCES))
    return HarvestSummary(collected, is_loaded=True, failed_checks=failed_checks_of(written))


def stream_access(settings: Settings, url: str | None) -> StreamAccess:
    """Return address, token and legal basis. Raises InputError that names every setting that is missing."""
    token = "" if settings.tweet_stream_token is None else settings.tweet_stream_token.get_secret_value().strip()
    legal_basis = (settings.tweet_stream_legal_basis or "").strip()
    missing = []
    if not token:
        missing.append("ONS_BIGDATA_TWEET_STREAM_TOKEN (bearer token of the platform's API)")
    if len(legal_basis) < LEAST_LEGAL_BASIS:
        missing.append(
            "ONS_BIGDATA_TWEET_STREAM_LEGAL_BASIS (the legal basis in words: agreement with the platform, gateway;"
            f" at least {LEAST_LEGAL_BASIS} characters)"
        )
    if missing:
        raise InputError(
            "the stream of posts is off: the platform forbids the use of locations apart from posts without its"
            f" agreement (docs/tweets/collection/stream.md). To collect it, set {' and '.join(missing)}"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InputError("ONS_BIGDATA_TWEET_STREAM_TOKEN: expected printable ASCII characters without a blank")
    return StreamAccess(settings.tweet_stream_url if url is None else url, token, legal_basis)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `90s`, `10m` or `1h30m`. Raises InputError for another form."""
    match = _DURATION.fullmatch(text.strip())
    parts = [int(part or 0) for part in match.groups()] if match is not None else []
    if not any(parts):
        raise InputError(f"--for {text!r}: expected a duration such as 90s, 10m or 1h30m")
    hours, minutes, seconds = parts
    return hours * 3600.0 + minutes * 60.0 + seconds


def _land(paths: Sequence[Path], settings: Settings, landing: Landing) -> None:
    """Land rolled files. Raises InputError where one is not taken in: it then stays in the spool."""
    for landed in land(paths, settings, landing, SOURCES):
        if landed.file.data_origin is None:
            raise InputError(f"rolled file {landed.file.name} was refused; ops.loads has the reason")
