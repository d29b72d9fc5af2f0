"""Numbered migrations: SQL files of the platform and of each pilot, applied in order, each once.

A migration is a file `NNNN_name.sql` in a folder `migrations/`: that of `platform/postgres` first, then those of the
sibling packages of `platform`, in alphabetical order. Numbers ascend within a folder and may have gaps. `{prefix}` in a
file stands for the prefix of the database roles. `ops.schema_migrations` records package, number and hash.
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
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

    from psycopg2 import extensions

    from ons_bigdata.platform.postgres.database import DatabaseAddress

PLATFORM = "platform"
"""Package of the platform's migrations."""

_FOLDER = "migrations"
_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK = 0x6F6E7362  # any fixed number: two processes must not migrate at once

_LEDGER = """
create schema if not exists ops;
create table if not exists ops.schema_migrations (
    package text not null,
    number integer not null,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now(),
    primary key (package, number)
);
"""

_HAS_PACKAGES = """
    select to_regclass('ops.schema_migrations') is null or exists (
        select from pg_attribute where attrelid = to_regclass('ops.schema_migrations') and attname = 'package'
    )
"""
"""False where the ledger dates from when all migrations were in a single numbered list."""


@dataclass(frozen=True)
class Migration:
    """A numbered file."""

    package: str
    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the file as shipped."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def file(self) -> str:
        """Path of the file as messages show it."""
        return f"{self.package}/{_FOLDER}/{self.number:04d}_{self.name}.sql"


def migrations() -> list[Migration]:
    """Shipped migrations in the order in which they are applied.

    Raises InputError where two files of a package have the same number.
    """
    root = resources.files("ons_bigdata")
    pilots = sorted(
        (folder for folder in root.iterdir() if folder.name != PLATFORM and folder.joinpath(_FOLDER).is_dir()),
        key=lambda folder: folder.name,
    )
    folders = {PLATFORM: root.joinpath(PLATFORM, "postgres"), **{folder.name: folder for folder in pilots}}
    return [migration for package, folder in folders.items() for migration in _read(package, folder.joinpath(_FOLDER))]


def _read(package: str, folder: Traversable) -> list[Migration]:
    """Migrations of a folder by number."""
    shipped = sorted(
        (
            Migration(package, int(match[1]), match[2], entry.read_text(encoding="utf-8"))
            for entry in folder.iterdir()
            if (match := _FILE_NAME.match(entry.name))
        ),
        key=lambda migration: migration.number,
    )
    numbers = [migration.number for migration in shipped]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise InputError(f"{package}/{_FOLDER}: several files have the number {', '.join(map(str, twice))}")
    return shipped


def migrate(address: DatabaseAddress, *, role_prefix: str) -> list[Migration]:
    """Apply the migrations that the database lacks; return them.

    Raises InputError where an applied migration differs from the shipped one or is unknown to this version;
    UnavailableError where the server does not answer.
    """
    try:
        connection = psycopg2.connect(address.libpq())
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"database {address} does not answer: {str(error).strip()}") from error
    try:
        with connection, connection.cursor() as cursor:
            return _apply_pending(cursor, migrations(), role_prefix=role_prefix)
    except psycopg2.errors.InsufficientPrivilege as error:
        raise InputError(
            f"the user of {address} may not set up the database (it must own it and be allowed to "
            f"create roles): {str(error).strip()}"
        ) from error
    finally:
        connection.close()


def _apply_pending(cursor: extensions.cursor, shipped: Sequence[Migration], *, role_prefix: str) -> list[Migration]:
    cursor.execute(f"select to_regclass('ops.schema_migrations') is not null and ({_HAS_PACKAGES})")
    if cursor.fetchone()[0] and not _pending(cursor, shipped):
        return []
    cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    cursor.execute(_HAS_PACKAGES)
    if not cursor.fetchone()[0]:
        _add_packages(cursor, shipped)
    cursor.execute(_LEDGER)
    pending = _pending(cursor, shipped)
    for migration in pending:
        # no parameters: a "%" in the file stays what it is
        cursor.execute(migration.text.replace("{prefix}", role_prefix))
        cursor.execute(
            "insert into ops.schema_migrations (package, number, name, sha256) values (%s, %s, %s, %s)",
            (migration.package, migration.number, migration.name, migration.sha256),
        )
    return pending


def _add_packages(cursor: extensions.cursor, shipped: Sequence[Migration]) -> None:
    """Add the package to a ledger with a single list of numbers: that of the shipped file of the same name and hash.

    Raises InputError for a row without such a shipped file.
    """
    packages = {(migration.name, migration.sha256): migration for migration in shipped}
    cursor.execute("select number, name, sha256 from ops.schema_migrations")
    rows = cursor.fetchall()
    known = {migration.name for migration in shipped}
    for number, name, sha256 in rows:
        if (name, sha256) not in packages:
            reason = "differs from the shipped file of that name" if name in known else "is unknown to this version"
            raise InputError(
                f"migration {number:04d}_{name}.sql of the database {reason}: use the version of ons-bigdata that "
                "applied it, a newer one, or another database"
            )
    cursor.execute("alter table ops.schema_migrations drop constraint schema_migrations_pkey, add package text")
    for number, name, sha256 in rows:
        migration = packages[name, sha256]
        cursor.execute(
            "update ops.schema_migrations set package = %s, number = %s where package is null and number = %s",
            (migration.package, migration.number, number),
        )
    cursor.execute("alter table ops.schema_migrations alter package set not null, add primary key (package, number)")


def _pending(cursor: extensions.cursor, shipped: Sequence[Migration]) -> list[Migration]:
    """Shipped migrations that are not applied yet. Raises InputError where an applied one differs or is unknown."""
    cursor.execute("select package, number, name, sha256 from ops.schema_migrations order by package, number")
    applied = {(package, number): (name, sha256) for package, number, name, sha256 in cursor.fetchall()}
    by_number = {(migration.package, migration.number): migration for migration in shipped}
    for (package, number), (name, sha256) in applied.items():
        migration = by_number.get((package, number))
        if migration is None:
            raise InputError(
                f"the database has migration {number:04d}_{name} of {package}, which this version does not know: "
                "use a newer ons-bigdata or another database"
            )
        if migration.sha256 != sha256:
            raise InputError(
                f"migration {migration.file} differs from the one that was applied to this database: "
                "never edit an applied migration, add a new one"
            )
    return [migration for migration in shipped if (migration.package, migration.number) not in applied]
