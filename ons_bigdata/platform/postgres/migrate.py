"""Numbered migrations: SQL files applied in order, each once, remembered by its hash.

A migration is a file `NNNN_name.sql` in `migrations/`. `{prefix}` in it stands for the prefix of the
database roles. What a table must look like is said by the frames' schemas and checked elsewhere.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import psycopg2

from ons_bigdata.platform.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from psycopg2 import extensions

    from ons_bigdata.platform.postgres.database import DatabaseAddress

_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK = 0x6F6E7362  # any fixed number: two processes must not migrate at once

_LEDGER = """
create schema if not exists ops;
create table if not exists ops.schema_migrations (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
);
"""


@dataclass(frozen=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the file as shipped."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Return the shipped migrations in order. Raises InputError where two have the same number."""
    found = []
    for entry in resources.files("ons_bigdata.platform.postgres").joinpath("migrations").iterdir():
        match = _FILE_NAME.match(entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise InputError(f"migrations must have different numbers; found {numbers}")
    return found


def migrate(address: DatabaseAddress, *, role_prefix: str) -> list[Migration]:
    """Apply the migrations that the database has not had yet; return them.

    Raises InputError where an applied migration differs from the shipped one or the
    database is newer than this version; UnavailableError where the server does not answer.
    """
    try:
        connection = psycopg2.connect(address.libpq())
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"database {address} does not answer: {str(error).strip()}") from error
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select to_regclass('ops.schema_migrations')")
            if cursor.fetchone()[0] is not None and not _pending(cursor):
                return []
            cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            cursor.execute(_LEDGER)
            pending = _pending(cursor)
            for migration in pending:
                # no parameters: a "%" in the file stays what it is
                cursor.execute(migration.text.replace("{prefix}", role_prefix))
                cursor.execute(
                    "insert into ops.schema_migrations (number, name, sha256) values (%s, %s, %s)",
                    (migration.number, migration.name, migration.sha256),
                )
            return pending
    except psycopg2.errors.InsufficientPrivilege as error:
        raise InputError(
            f"the user of {address} may not set up the database (it must own it and be allowed to "
            f"create roles): {str(error).strip()}"
        ) from error
    finally:
        connection.close()


def _pending(cursor: extensions.cursor) -> list[Migration]:
    shipped = migrations()
    cursor.execute("select number, name, sha256 from ops.schema_migrations order by number")
    applied = {number: (name, sha256) for number, name, sha256 in cursor.fetchall()}
    newest = max(applied, default=0)
    if newest > shipped[-1].number:
        raise InputError(
            f"the database has migration {newest} ({applied[newest][0]}), this version only knows "
            f"{shipped[-1].number}: use a newer ons-bigdata or another database"
        )
    for migration in shipped:
        known = applied.get(migration.number)
        if known is not None and known[1] != migration.sha256:
            raise InputError(
                f"migration {migration.number:04d}_{migration.name}.sql differs from the one that was "
                "applied to this database: never edit an applied migration, add a new one"
            )
    return [migration for migration in shipped if migration.number not in applied]
