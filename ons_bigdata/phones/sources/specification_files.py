"""Specification files (YAML) and the register of the specifications under which deliveries are due.

The register is the seed `phone_specifications.csv` of the dbt project: a specification that is not in it is unknown.
"""

from __future__ import annotations

import csv
import io
import re
import reprlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from ons_bigdata.phones.schemas.specification import Specification
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGISTER = "seeds/phones/deliveries/phone_specifications.csv"
"""File of the register, below the folder of the dbt project."""
COLUMNS = ("spec_id", "provider", "title", "document")

_LONGEST_FILE = 2_000_000
"""Greatest length (characters) of a specification file; the codes of all middle-layer areas have about 90,000."""
_MOST_BRACKETS = 100
_PROVIDER = re.compile(r"[a-z0-9_-]{1,64}")
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 200
_SHOWN.maxlevel = 2


@dataclass(frozen=True)
class Registered:
    """A specification and the provider that delivers under it."""

    provider: str
    specification: Specification


def read_specification(path: Path) -> Specification:
    """Read a specification file.

    Raises InputError that names the file, the key, its value and what is expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"specification {path}: there is no such file; expected a specification in YAML") from error
    except OSError as error:
        raise InputError(
            f"specification {path} cannot be read: {(error.strerror or 'no reason given').lower()}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"specification {path}: byte {error.start + 1} is no UTF-8; expected YAML in UTF-8") from error
    return parse_specification(text, where=str(path))


def parse_specification(text: str, *, where: str) -> Specification:
    """Parse the text of a specification file; errors name `where`. Raises InputError as `read_specification` does."""
    if len(text) > _LONGEST_FILE:
        raise InputError(f"specification {where}: {len(text)} characters, expected at most {_LONGEST_FILE}")
    if (depth := _deepest(text)) > _MOST_BRACKETS:  # the YAML reader takes the square of the depth in time
        raise InputError(f"specification {where}: {depth} open brackets, expected at most {_MOST_BRACKETS}")
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:  # ValueError: a date that is none
        raise InputError(f"specification {where}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"specification {where}: found {type(content).__name__}; expected keys and values")
    try:
        return Specification.model_validate(content)
    except ValidationError as error:
        raise InputError(f"specification {where}: {_faults(error)}") from error


def write_specification(path: Path, spec: Specification) -> None:
    """Write a specification file that reads as the same specification."""
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, width=110), encoding="utf-8")


def read_register(dbt_project_dir: Path) -> Mapping[str, Registered]:
    """Read the register: `spec_id` → provider and specification.

    Raises InputError for a file that is missing, a document that is no specification, and one whose hash is not the id
    in its row: it was changed after it was agreed.
    """
    path = dbt_project_dir / REGISTER
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"register of specifications {path} cannot be read: {error}") from error
    header, rows = _read_long_fields(text)
    if tuple(header) != COLUMNS:
        raise InputError(f"{path}: header {header}; expected {','.join(COLUMNS)}")
    register: dict[str, Registered] = {}
    for row in rows:
        where = f"{path}, specification {row['spec_id']}"
        spec = parse_specification(row["document"] or "", where=where)
        if spec.spec_id != row["spec_id"]:
            raise InputError(f"{where}: the document has the hash {spec.spec_id}; it was changed after it was agreed")
        if spec.spec_id in register:
            raise InputError(f"{where}: in the register twice")
        register[spec.spec_id] = Registered(row["provider"], spec)
    return register


def _read_long_fields(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV whose fields may be long; the limit of other readers of this process stays as it is."""
    limit = csv.field_size_limit(min(sys.maxsize, _LONGEST_FILE))
    try:
        reader = csv.DictReader(io.StringIO(text))
        return list(reader.fieldnames or ()), list(reader)
    finally:
        csv.field_size_limit(limit)


def register_specification(dbt_project_dir: Path, provider: str, spec: Specification) -> bool:
    """Add a specification to the register; return False if it is there already.

    Raises InputError for a provider's name that is no key, and for a specification that is another provider's.
    """
    if not _PROVIDER.fullmatch(provider):
        raise InputError(f"provider {provider!r}; expected 1 to 64 of a-z, 0-9, - and _")
    register = read_register(dbt_project_dir)
    known = register.get(spec.spec_id)
    if known is not None:
        if known.provider != provider:
            raise InputError(f"specification {spec.spec_id} is that of {known.provider}; found {provider}")
        return False
    with (dbt_project_dir / REGISTER).open("a", encoding="utf-8", newline="") as file:
        row = (spec.spec_id, provider, spec.title, spec.canonical_json())
        csv.writer(file, lineterminator="\n").writerow(row)
    return True


def _deepest(text: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = max(0, depth + (1 if bracket in "[{" else -1))
        deepest = max(deepest, depth)
    return deepest


def _faults(error: ValidationError) -> str:
    """Faults of a file: key, fault and value."""
    faults = []
    for one in error.errors(include_url=False):
        place = ".".join(str(part) for part in one["loc"])
        found = "" if isinstance(one["input"], dict) else f" (found {_SHOWN.repr(one['input'])})"
        faults.append(f"{place + ': ' if place else ''}{one['msg'].removeprefix('Value error, ')}{found}")
    return "; ".join(faults)
