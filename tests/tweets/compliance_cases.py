"""Archives, compliance events and an installation for tests of deletions."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2

from ons_bigdata.platform.ingest.bulk_loading import BulkLoader, bulk_loader
from ons_bigdata.platform.ingest.landing import LandedFile, Landing
from ons_bigdata.platform.ingest.sources import AdapterContext
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.platform.pseudonyms import pseudonyms
from ons_bigdata.tweets.compliance import application, recording
from ons_bigdata.tweets.sources import archives
from ons_bigdata.tweets.sources.archives import GEO_EVENTS
from ons_bigdata.tweets.sources.compliance.events import Job
from tests.tweets.sources.written_events import ACTIVITY, KEY, V1, V2, changed

(SOURCE,) = archives.SOURCES
T0_MS = 1_396_360_000_000
"""1 April 2014."""
AT = "2014-06-01T12:00:00.000Z"


def snowflake(ms: int, sequence: int = 0) -> int:
    """Id of a post of a millisecond."""
    return ((ms - 1_288_834_974_657) << 22) | sequence


@dataclass(frozen=True)
class Post:
    """A post of an archive."""

    user: int
    minute: int
    number: int | None = None
    """Its id; that of its time if it is not given."""

    @property
    def ms(self) -> int:
        return T0_MS + self.minute * 60_000

    @property
    def id(self) -> str:
        return str(self.number if self.number is not None else snowflake(self.ms, self.user % 4096))

    @property
    def text(self) -> str:
        return f"words-of-{self.user}-at-{self.minute}"

    def line(self, form: str = "v1") -> str:
        """Line of an archive of a format."""
        return {"v1": self._v1, "v2": self._v2, "gnip": self._gnip, "csv": self._csv}[form]()

    def _v1(self, **more: object) -> str:
        return json.dumps(
            changed(
                V1, user={"id": self.user, "id_str": str(self.user)}, id=int(self.id), id_str=self.id, text=self.text,
                timestamp_ms=str(self.ms), created_at="Tue Apr 01 13:46:40 +0000 2014", **more,
            )
        )  # fmt: skip

    def _v2(self) -> str:
        data = {**V2["data"], "id": self.id, "author_id": str(self.user), "text": self.text, "created_at": self._iso()}
        return json.dumps(changed(V2, data=data))

    def _gnip(self) -> str:
        return json.dumps(
            changed(
                ACTIVITY, id=f"tag:search.twitter.com,2005:{self.id}", actor={"id": f"id:twitter.com:{self.user}"},
                postedTime=self._iso(), body=self.text,
            )
        )  # fmt: skip

    def _csv(self) -> str:
        return f"{self.ms // 1000},{self.user},Ann,en,London,Camden,GB,51.507351,-0.127758,{self.text}"

    def _iso(self) -> str:
        return pl.Series([self.ms]).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S.000Z")[0]


def text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def v2_post(kind: str, post: Post, **more: object) -> str:
    """Compliance event about a post, as the stream of the API v2 sends it."""
    return json.dumps({"data": {kind: {"tweet": {"id": post.id, "author_id": str(post.user)}, "event_at": AT, **more}}})


def v2_user(kind: str, user: int, at: str = AT, **more: object) -> str:
    """Compliance event about a user, as the stream of the API v2 sends it."""
    return json.dumps({"data": {kind: {"user": {"id": str(user)}, "event_at": at, **more}}})


@dataclass(frozen=True)
class Installation:
    """Landing, lake and loader of a test."""

    landing: Landing
    lake: Lake
    home: Path

    @property
    def loader(self) -> BulkLoader:
        return bulk_loader(self.landing, self.lake, SOURCE, lambda: AdapterContext(self.home, KEY))

    def land(self, name: str, content: bytes) -> LandedFile:
        file, _ = self.landing.land(
            gzip.compress(content) if name.endswith(".gz") else content,
            source=SOURCE.name, delivery="twitter", name=name, data_origin="real", partitions=None,
        )  # fmt: skip
        return file

    def ingest(self, name: str, lines: Sequence[str]) -> None:
        """Land an archive and load it."""
        self.land(name, text(lines))
        self.loader.load_waiting()

    def record(self, *lines: str, name: str = "events.jsonl", job: Job | None = None) -> recording.FileCounts:
        return recording.record_file(
            self.landing, self.lake, io.BytesIO(text(lines)), name, key=KEY, job=job, max_bytes=10**9
        )

    def apply(self) -> application.Application | None:
        """Apply what waits."""
        if not application.is_due(self.landing.warehouse):
            return None
        assert SOURCE.read_rules is not None
        rules = SOURCE.read_rules(self.landing, KEY)
        applied = application.apply_tombstones(self.landing, self.lake, rules, spool=self.home / "spool")  # type: ignore[arg-type]
        application.finish_application(self.landing.warehouse)
        return applied

    def comply(self, *lines: str, name: str = "events.jsonl", job: Job | None = None) -> application.Application | None:
        """Record events and apply them."""
        self.record(*lines, name=name, job=job)
        return self.apply()

    def rows(self) -> list[tuple[Any, ...]]:
        """Rows of the lake without the load, sorted."""
        return sorted(self.lake.scan(GEO_EVENTS).select(pl.exclude("load_id", "line")).collect().rows(), key=str)

    def events(self) -> set[int]:
        """Pseudonyms of the events of the lake."""
        return set(self.lake.scan(GEO_EVENTS).select("event_id").collect()["event_id"])

    def ledger(self) -> list[tuple[Any, ...]]:
        """Files and loads of archives with their reasons."""
        return self.landing.warehouse.rows(
            """
            select name, loads.rows_in::int, loads.accepted::int, loads.quarantined::int, (
                select array_agg(reason || ': ' || rows order by reason) from ops.quarantine_reasons as reasons
                where reasons.load_id = loads.load_id and rows > 0
            ), (select sum(accepted)::int from ops.load_partitions as parts where parts.load_id = loads.load_id)
            from ops.loads join ops.files using (file_id)
            where source = 'geo_events' and superseded_by is null order by name
            """
        )


def keys_of(users: Sequence[object], source: str = "twitter") -> list[int]:
    return pseudonyms(pl.Series([str(user) for user in users], dtype=pl.String), source=source, key=KEY).to_list()


def event_keys(posts: Sequence[Post]) -> set[int]:
    return set(keys_of([post.id for post in posts], "twitter event"))


def traces_in_files(folder: Path, traces: Sequence[str]) -> list[tuple[str, str]]:
    """Files below a folder, unpacked where they are packed or Parquet, that hold one of the texts."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content = pl.read_parquet(path).write_csv().encode()
        elif path.suffix == ".gz":
            content = gzip.decompress(content)
        found += [(path.name, trace) for trace in traces if trace.encode() in content]
    return found


def traces_in_tables(
    warehouse: Warehouse, traces: Sequence[str], *, apart: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Tables of the database that hold one of the texts in any row, but for some tables."""
    connection = psycopg2.connect(warehouse.address.libpq())
    found = []
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables"
            " where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'"
        )
        tables = [table for (table,) in cursor.fetchall() if table not in apart]
        assert len(tables) > 10
        for table in tables:
            cursor.execute(f"select row::text from {table} as row")
            for (row,) in cursor.fetchall():
                found += [(table, trace) for trace in traces if trace in row]
    connection.close()
    return found
