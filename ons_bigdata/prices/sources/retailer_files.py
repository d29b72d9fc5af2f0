"""Retailer files: site, page kind, selectors and categories of a retailer, `<retailers folder>/<retailer>.yaml`.

The model validates the file; docs/prices/collection/scraping.md describes the keys for authors of retailer files.
"""

from __future__ import annotations

import re
import reprlib
from datetime import time
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from parsel import Selector
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.site_addresses import is_loopback_host, origin_of, require_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PageKind = Literal["html_list", "json_ld", "microdata", "rdfa", "next_data", "json_api"]

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

SHORTEST_DELAY_S = 1.0
"""Seconds between two requests to a site that is not on this machine."""

LONGEST_FILE = 1_000_000
"""Greatest length (characters) of a retailer file."""
MOST_BRACKETS = 100
"""Most brackets and braces that may be open at a place of a retailer file."""
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 200
_SHOWN.maxlevel = 2

_FIELDS = {"id", "name", "price", "unit_price", "promotion", "was_price", "loyalty_price", "multibuy", "url"}
_IN_HTML = {*_FIELDS, "out_of_stock", "product", "next_page", "empty"}
_IN_STATE = {*_FIELDS, "in_stock", "unit", "products"}
_OF_SCHEMA_ORG = {"next_page", "empty"}
"""Products that schema.org describes need no further selectors."""

SELECTORS: dict[PageKind, set[str]] = {
    "html_list": _IN_HTML,
    "json_ld": _OF_SCHEMA_ORG,
    "microdata": _OF_SCHEMA_ORG,
    "rdfa": _OF_SCHEMA_ORG,
    "next_data": _IN_STATE,
    "json_api": _IN_STATE,
}
"""Keys that `selectors` may have, of a product and of its page."""

_REQUIRED: dict[PageKind, set[str]] = {
    "html_list": {"product", "name", "price"},
    "json_ld": set(),
    "microdata": set(),
    "rdfa": set(),
    "next_data": {"products", "name", "price"},
    "json_api": {"products", "name", "price"},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Navigation(_Strict):
    """Place where a shop lists its categories: links of a page, or a list in a page's state."""

    start: str = "/"
    links: Text | None = Field(default=None, description="CSS selector of the links; html pages.")
    attribute: Text = Field(default="href", description="Attribute of a link that holds the address.")
    state: Text | None = Field(default=None, description="JMESPath of the list of categories; JSON pages.")
    name: Text = Field(default="name", description="JMESPath of a category's name within the list.")
    path: Text | None = Field(
        default=None, description="Address of a category, with fields of the list in braces, e.g. /browse/{slug}."
    )


class LoadMore(_Strict):
    """Requests for the rest of a category with the cursor of its first page; JSON pages."""

    path: Text = Field(description="Address, with fields of the category in braces, and {cursor}.")
    products: Text = Field(description="JMESPath of the list of products in the response.")
    next_cursor: Text = Field(description="JMESPath of the next cursor in the response; null or nothing: no more.")
    first_cursor: Text = Field(description="JMESPath of the cursor in the category's first page.")


class Category(_Strict):
    """A category of the shop, by its name there, and the item it is collected for."""

    item_number: Annotated[int, Field(ge=100_000, le=999_999)]
    item_name: Text
    category: Text


class RetailerFile(_Strict):
    """One retailer: site, limits of requests, pages, categories."""

    retailer: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    name: Text
    site: Text
    contact: Text | None = Field(
        default=None, description="Contact in the user agent; none: the contact of the settings."
    )
    contact_reason: str = Field(default="", description="Why robots.txt may be disobeyed; empty: never.")
    page_kind: PageKind
    clock: Literal["real", "site"] = "real"
    currency: Literal["GBP"] = Field(
        default="GBP", description="Currency of the shop's prices; rows are in GBP, and nothing is converted."
    )
    decimal_separator: Literal[".", ","] = Field(
        default=".", description="Decimal separator of prices in texts: 1,250.00 with a point, 1.250,00 with a comma."
    )
    prices_in_pence: bool = Field(default=False, description="Prices are whole numbers of pence; JSON pages.")
    delay_s: Annotated[float, Field(ge=0, le=600)] = 2.0
    allowed_hours: tuple[time, time] = (time(5), time(12))
    request_budget: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    longest_wait_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=300.0, description="Longest Retry-After that is waited for; a longer one ends the category."
    )
    pages_per_category: Annotated[int, Field(ge=1, le=1_000)] = 100
    navigation: Navigation
    selectors: dict[str, Text] = Field(default_factory=dict)
    patterns: dict[str, Text] = Field(
        default_factory=dict, description="Regular expressions that cut a field out of what its selector finds."
    )
    load_more: LoadMore | None = None
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port of the site."""
        return origin_of(self.site)

    @property
    def is_loopback(self) -> bool:
        """True if the site is on this machine."""
        return is_loopback_host(self.origin[1])

    @field_validator("site")
    @classmethod
    def _site_is_an_origin(cls, site: str) -> str:
        parts = urlsplit(site)
        is_bare = site.rstrip("/") == f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in {"http", "https"} or not parts.hostname or not is_bare:
            raise ValueError(f"found {site!r}; expected http(s)://host[:port] without a path")
        if parts.username or parts.password:
            raise ValueError("holds a user name or password; expected an open site")
        require_address(site, is_loopback=is_loopback_host(parts.hostname))
        return site.rstrip("/")

    @field_validator("allowed_hours", mode="before")
    @classmethod
    def _hours_are_texts(cls, hours: object) -> object:
        if isinstance(hours, list) and any(not isinstance(one, str) for one in hours):
            raise ValueError('expected texts such as ["05:00", "12:00"]: without quotes YAML reads 12:00 as 720')
        return hours

    @field_validator("allowed_hours")
    @classmethod
    def _hours_in_order(cls, hours: tuple[time, time]) -> tuple[time, time]:
        if hours[0] >= hours[1]:
            raise ValueError(f"found {hours[0]:%H:%M} to {hours[1]:%H:%M}; expected the earlier first, within a day")
        if any(one.tzinfo for one in hours):
            raise ValueError("found hours with an offset; expected those of London, without")
        return hours

    @model_validator(mode="after")
    def _manners(self) -> Self:
        if not self.is_loopback:
            if self.delay_s < SHORTEST_DELAY_S:
                raise ValueError(
                    f"delay_s: found {self.delay_s:g}; below {SHORTEST_DELAY_S:g} only for a loopback site"
                )
            if self.clock != "real":
                raise ValueError(f"clock: found {self.clock!r}; 'site' only for a loopback site")
        return self

    @model_validator(mode="after")
    def _navigation_fits(self) -> Self:
        in_state = self.page_kind in {"next_data", "json_api"}
        wanted, found = (("state", "path") if in_state else ("links",)), self.navigation
        missing = [name for name in wanted if getattr(found, name) is None]
        if missing:
            raise ValueError(f"navigation: {', '.join(missing)} missing; page kind {self.page_kind} needs it")
        if self.load_more is not None and not in_state:
            raise ValueError(f"load_more: only for page kinds next_data and json_api, found {self.page_kind}")
        return self

    @model_validator(mode="after")
    def _selectors_fit(self) -> Self:
        required, known = _REQUIRED[self.page_kind], SELECTORS[self.page_kind]
        if unknown := sorted(set(self.selectors) - known):
            raise ValueError(
                f"selectors: {', '.join(unknown)} unknown for {self.page_kind}; known: {', '.join(sorted(known))}"
            )
        if missing := sorted(required - set(self.selectors)):
            raise ValueError(f"selectors: {', '.join(missing)} missing; page kind {self.page_kind} needs it")
        cut = sorted((_FIELDS | {"unit", "in_stock"}) & set(self.selectors))
        if unknown := sorted(set(self.patterns) - set(cut)):
            raise ValueError(f"patterns: {', '.join(unknown)}: no selector finds it; known: {', '.join(cut) or 'none'}")
        return self

    @model_validator(mode="after")
    def _expressions_compile(self) -> Self:
        tree, state = Selector(text="<p/>"), Selector(text="{}", type="json")
        in_state = self.page_kind in {"next_data", "json_api"}
        css = {"navigation.links": self.navigation.links}
        paths = {"navigation.state": self.navigation.state, "navigation.name": self.navigation.name}
        (paths if in_state else css).update({f"selectors.{key}": text for key, text in self.selectors.items()})
        for name in ("products", "next_cursor", "first_cursor"):
            paths[f"load_more.{name}"] = getattr(self.load_more, name, None)
        for compiled, texts in ((tree.css, css), (state.jmespath, paths), (re.compile, self.patterns)):
            for key, text in texts.items():
                if text is not None:
                    _compile(compiled, key, text)
        return self

    @model_validator(mode="after")
    def _categories_once(self) -> Self:
        seen: set[tuple[int, str]] = set()
        for one in self.categories:
            key = (one.item_number, normal_name(one.category))
            if key in seen:
                raise ValueError(f"categories: {one.category!r} stands twice for item {one.item_number}")
            seen.add(key)
        return self


def _compile(compiled: Callable[[str], object], key: str, text: str) -> None:
    """Raise ValueError for an expression that is none, with its key."""
    try:
        compiled(text)
    except Exception as error:  # each selector language raises different errors
        raise ValueError(f"{key}: {text!r} cannot be read: {' '.join(str(error).split())}") from error


def normal_name(name: str) -> str:
    """Return a category's name as it is compared: blanks and case do not count."""
    return " ".join(name.split()).casefold()


def retailer_file_path(folder: Path, retailer: str) -> Path:
    """Return where the file of a retailer is expected."""
    return folder / f"{retailer}.yaml"


def retailers_with_file(folder: Path) -> list[str]:
    """Return the retailers that have a file in the folder, sorted; none where there is no folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_retailer_file(path: Path) -> RetailerFile:
    """Read one retailer file.

    Raises InputError that names the file, the key, its value and what is expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"no retailer file {path}; docs/how-to/add-a-retailer.md says how to write one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"retailer file {path} cannot be read: {error}") from error
    return parse_retailer_file(text, where=str(path), retailer=path.stem)


def parse_retailer_file(text: str, *, where: str, retailer: str) -> RetailerFile:
    """Parse the text of a retailer file; errors name `where`. Raises InputError as `read_retailer_file` does."""
    if (fault := _fault_of_size(text)) is not None:
        raise InputError(f"retailer file {where}: {fault}")
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:  # ValueError: a date that is none
        raise InputError(f"retailer file {where}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"retailer file {where}: found {type(content).__name__}; expected keys and values")
    try:
        file = RetailerFile.model_validate(content)
    except ValidationError as error:
        raise InputError(f"retailer file {where}: {_faults(error)}") from error
    if file.retailer != retailer:
        raise InputError(
            f"retailer file {where}: retailer: found {file.retailer!r}; expected {retailer!r}, as the file"
        )
    return file


def _fault_of_size(text: str) -> str | None:
    """Return why a text is no retailer file by its size; the YAML reader takes the square of the depth in time."""
    if len(text) > LONGEST_FILE:
        return f"found {len(text)} characters, expected at most {LONGEST_FILE}"
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = max(0, depth + (1 if bracket in "[{" else -1))
        deepest = max(deepest, depth)
    return f"found {deepest} open brackets, expected at most {MOST_BRACKETS}" if deepest > MOST_BRACKETS else None


def _faults(error: ValidationError) -> str:
    """Faults of a file: key, fault and value."""
    faults = []
    for one in error.errors(include_url=False):
        place = ".".join(str(part) for part in one["loc"])
        found = "" if isinstance(one["input"], dict) else f" (found {_SHOWN.repr(one['input'])})"
        faults.append(f"{place + ': ' if place else ''}{one['msg'].removeprefix('Value error, ')}{found}")
    return "; ".join(faults)
