"""Pages as received, and their content: listings, failures, the page that follows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.html import remove_tags, replace_entities
from w3lib.url import canonicalize_url

from ons_bigdata.prices.sources.quote_writer import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_TEXT = 10_000
"""Greatest length (characters) of a name, an address or a promotion; longer texts are rejected."""


@dataclass(frozen=True)
class Page:
    """A page as received."""

    url: str
    status: int
    content_type: str | None
    body: bytes
    collected_at: datetime
    fault: str | None = None
    """Fault of a body that cannot be decoded. The body is empty then."""
    requested_url: str | None = None
    """Address that was requested; the site may have redirected it to `url`."""

    @cached_property
    def text(self) -> str:
        """The body as text, in the encoding that header, page or bytes name; else UTF-8, or windows-1252 if it is none.

        A name of something that decodes no text ("zlib") is no encoding.
        """
        try:
            return html_to_unicode(self.content_type, self.body, auto_detect_fun=_undeclared_encoding)[1]
        except (LookupError, UnicodeError):
            return html_to_unicode(None, self.body, auto_detect_fun=_undeclared_encoding)[1]

    @cached_property
    def tree(self) -> Selector:
        """The page as a tree of elements."""
        return Selector(text=self.text or " ", base_url=self.url, type="html")

    @cached_property
    def base_url(self) -> str:
        """Address that links of the page start from: `<base href>` where it is one of the web, else the page's."""
        base = address(self.url, self.tree.css("base::attr(href)").get() or "")
        try:
            parts = urlsplit(base)
        except ValueError:
            return self.url
        return base if parts.scheme.lower() in {"http", "https"} and parts.netloc else self.url

    def selector(self) -> Selector:
        """Return the page as a tree of elements."""
        return self.tree


def _undeclared_encoding(body: bytes) -> str:
    """Return the encoding that browsers take for a page that names none."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


@dataclass(frozen=True)
class PageContent:
    """Products of a page: each listed product is a listing or a failure."""

    listings: list[Listing] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Faults of the products that could not be read."""
    next_url: str | None = None
    """The page that follows, as an absolute address."""
    cursor: str | None = None
    """Cursor of the rest of the list, for shops that load more."""
    is_empty: bool = False
    """The page states that nothing is listed."""

    @property
    def listed(self) -> int:
        """Products listed."""
        return len(self.listings) + len(self.failures)


class UnreadableError(ValueError):
    """A product, a navigation entry or a page cannot be read; the message has the actual and the expected content."""


def words(value: object) -> str | None:
    """Return a text without tags, entities and superfluous blanks; None for nothing and for what is no text.

    Raises UnreadableError for a text of more than 10,000 characters.
    """
    if value is None or isinstance(value, bool | list | dict):
        return None
    text = str(value)
    if len(text) > LONGEST_TEXT:
        raise UnreadableError(f"text of {len(text)} characters, expected at most {LONGEST_TEXT}: {text[:40]!r}…")
    if "<" in text:
        text = remove_tags(text)
    if "&" in text:
        text = replace_entities(text)
    return " ".join(printable(text).split()) or None


def printable(text: str) -> str:
    """Text with U+FFFD for characters that files and the database reject: NUL and unpaired surrogates."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def address(base_url: str, link: str) -> str:
    """Return the absolute address of a link; the link unchanged where it is no address."""
    try:
        return urljoin(base_url, link.strip())
    except ValueError:
        return link


def one_spelling(url: str) -> str:
    """Return an address in one spelling, for comparison only.

    Case of the host, a point after it, the scheme's port, http or https, percent-encoding, dot segments, order of
    parameters, a last slash and the fragment do not count (RFC 3986, 6.2).
    """
    try:
        parts = urlsplit(canonicalize_url(url, keep_blank_values=True))
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "").rstrip(".")
    is_usual_port = port is None or (parts.scheme, port) in {("http", 80), ("https", 443)}
    site = host if is_usual_port else f"{host}:{port}"
    return f"//{site}{parts.path.rstrip('/')}?{parts.query}"


def following_address(page: Page, links: Iterable[str]) -> str | None:
    """Return the address of the page that follows; None where no link leads to another page.

    A link to the page itself in any spelling and case, to a place within it (`#`), to nowhere or to a script ends the
    list.
    """
    own = {one_spelling(url).casefold() for url in (page.url, page.requested_url) if url is not None}
    for link in links:
        target = address(page.base_url, link)
        try:
            scheme = urlsplit(target).scheme.lower()
        except ValueError:
            return target
        if scheme and scheme not in {"http", "https"}:
            continue
        if link.strip()[:1] in {"", "#"} or one_spelling(target).casefold() in own:
            continue
        return target
    return None
