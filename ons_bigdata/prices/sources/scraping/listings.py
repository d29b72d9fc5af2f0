"""Pages as received, and their products: the texts of every page family as listings of one form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree
from parsel import Selector
from w3lib.encoding import html_to_unicode
from w3lib.html import remove_tags, replace_entities

from ons_bigdata.prices.sources.quote_writer import Listing
from ons_bigdata.prices.sources.scraping import price_texts
from ons_bigdata.prices.sources.scraping.price_texts import ELEMENT_BOUNDARY, PriceText, read_price_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ons_bigdata.prices.sources.retailer_files import RetailerFile

LONGEST_TEXT = 10_000
"""Greatest length (characters) of a name, an address or a promotion; longer texts are rejected."""

_BLOCKS = frozenset((
    "address", "article", "aside", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "label", "li", "main", "nav", "ol", "p", "section",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
))  # fmt: skip
_UNSEEN = frozenset(("script", "style", "template", "noscript", "head", "title"))
_STRUCK = frozenset(("del", "s", "strike"))
_WAS_CLASS = re.compile(
    r"(?:^|[\s_-])(?:old|was|before|strike|striked|strikethrough|crossed|rrp|msrp|compare|list)(?:-?_?price)?(?:$|[\s_-])"
    r"|line-?through|strike-?through|crossed-?out|price-?_?(?:old|was|before|rrp|list|original)|(?:old|was|original)price",
    re.IGNORECASE,
)
_LOYALTY_CLASS = re.compile(r"club-?_?(?:card|price)|member|loyalty|nectar", re.IGNORECASE)
_PENCE_CLASS = re.compile(r"(?:^|[\s_-])(?:cents?|pence|pennies|fraction|decimals?|minor)(?:$|[\s_-])", re.IGNORECASE)
_HIDDEN_STYLE = re.compile(r"display\s{0,3}:\s{0,3}none", re.IGNORECASE)
_STRUCK_STYLE = re.compile(r"line-through", re.IGNORECASE)
_PRICE_LIKE = re.compile(r"(?:£|€|\$|\bGBP)?\s?[.,]?[0-9][0-9.,]*")


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
        """Address that links of the page start from: `<base href>`, else the page's address."""
        base = self.tree.css("base::attr(href)").get()
        return address(self.url, base) if base else self.url

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


def following_address(page: Page, links: Iterable[str]) -> str | None:
    """Return the address of the page that follows; None where no link leads to another page.

    A link to the page itself, to a place within it (`#`) or to a script ends the list.
    """
    for link in links:
        target = address(page.base_url, link)
        try:
            scheme = urlsplit(target).scheme.lower()
        except ValueError:
            return target
        if scheme and scheme not in {"http", "https"}:
            continue
        if link.strip().startswith("#") or urldefrag(target)[0] == urldefrag(page.url)[0]:
            continue
        return target
    return None


def is_in_stock(value: object) -> bool | None:
    """True if a product is in stock, from true/false or schema.org's ItemAvailability; None where not stated."""
    if value is None or isinstance(value, bool):
        return value
    name = re.split(r"[/#:]", str(value)[:200].rstrip("/"))[-1].casefold()
    if name in {"instock", "limitedavailability", "onlineonly", "instoreonly", "true"}:
        return True
    return False if name in {"outofstock", "soldout", "discontinued", "backorder", "preorder", "false"} else None


def text_of(element: etree._Element, *, within: etree._Element | None = None) -> str:
    """Return the text of an element as a price text: struck amounts are marked "was", amounts for members "member".

    Elements between `within` and the element count for these marks. Pence in a separate element follow a decimal point;
    ELEMENT_BOUNDARY separates other digits of two elements. Blocks are separated by line ends.
    """
    parts: list[str] = []
    marks: list[str | None] = [_mark_above(element, within)]
    hidden = 0
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        if event in {"comment", "pi"}:
            if not hidden and node.tail:
                parts.append(re.sub(r"[ \t\r\n\f]+", " ", _marked(node.tail, marks[-1])))  # the same text goes on
        elif event == "start":
            mark = _mark_of(node) or marks[-1]
            hidden += hidden > 0 or _is_hidden(node)
            marks.append(mark)
            if not hidden:
                _append(parts, "\n" if node.tag in _BLOCKS else "", node, mark)
        else:
            marks.pop()
            if hidden:
                hidden -= 1
            elif node.tag in _BLOCKS or node.tag in _STRUCK:
                parts.append("\n")
            if node is not element and not hidden and node.tail:
                _join(parts, _marked(node.tail, marks[-1]))
    return _spaced("".join(parts))


def text_within(text: str, element: etree._Element, within: etree._Element | None) -> str:
    """Return a piece of text of an element, marked as `text_of` does."""
    return _spaced(_marked(text, _mark_of(element) or _mark_above(element, within)))


def _spaced(text: str) -> str:
    lines = (" ".join(printable(line).split(" ")) for line in re.split(r"\s{0,20}\n\s{0,20}", text))
    return "\n".join(line.strip() for line in lines if line.strip())


def _append(parts: list[str], separator: str, node: etree._Element, mark: str | None) -> None:
    if separator or node.tag in _STRUCK:
        parts.append("\n")
    text = " ".join((node.text or "").split()) if node.text else ""
    has_own_pence = node.tag in {"sup", "sub"} or _PENCE_CLASS.search(node.get("class", "")[:200])
    if has_own_pence and re.fullmatch(r"[0-9]{2}", text) and re.search(r"(?:^|[^0-9.,])[0-9]+$", "".join(parts[-6:])):
        parts.append(f".{text}")
    elif node.text:
        _join(parts, _marked(node.text, mark))


def _join(parts: list[str], text: str) -> None:
    """Append the text of another element."""
    text = re.sub(r"[ \t\r\n\f]+", " ", text)
    last = parts[-1][-1:] if parts else ""
    first = text[:1]
    if last.isdigit() and first.isdigit():
        parts.append(ELEMENT_BOUNDARY)
    elif last.isalnum() and first.isalnum() and last.isalpha():
        parts.append(" ")
    if text:
        parts.append(text)


def _marked(text: str, mark: str | None) -> str:
    return text if mark is None else _PRICE_LIKE.sub(lambda found: f" {mark} {found[0]}", text, count=20)


def _mark_above(element: etree._Element, within: etree._Element | None) -> str | None:
    for above in element.iterancestors():
        if above is within or within is None:
            return None
        if mark := _mark_of(above):
            return mark
    return None


def _mark_of(node: etree._Element) -> str | None:
    classes, style = node.get("class", "")[:200], node.get("style", "")[:400]
    if node.tag in _STRUCK or _WAS_CLASS.search(classes) or _STRUCK_STYLE.search(style):
        return "was"
    return "member" if _LOYALTY_CLASS.search(classes) else None


def _is_hidden(node: etree._Element) -> bool:
    return node.tag in _UNSEEN or "hidden" in node.attrib or bool(_HIDDEN_STYLE.search(node.get("style", "")[:400]))


@dataclass
class ProductTexts:
    """Texts and numbers of a product as on the page; several where several elements or values match."""

    product_id: list[Any] = field(default_factory=list)
    name: list[Any] = field(default_factory=list)
    price: list[Any] = field(default_factory=list)
    unit_price: list[Any] = field(default_factory=list)
    """Texts with amount and unit."""
    unit_amount: list[Any] = field(default_factory=list)
    unit: list[Any] = field(default_factory=list)
    promotion: list[Any] = field(default_factory=list)
    was_price: list[Any] = field(default_factory=list)
    loyalty_price: list[Any] = field(default_factory=list)
    multibuy: list[Any] = field(default_factory=list)
    in_stock: list[Any] = field(default_factory=list)
    url: list[Any] = field(default_factory=list)


def listing_of(file: RetailerFile, texts: ProductTexts) -> Listing:
    """Return a product as a row. Raises UnreadableError where it has no name or no clear price."""
    name = _first(texts.name)
    if name is None:
        raise UnreadableError("no name")
    shown = f"{name[:100]}…" if len(name) > 100 else name
    price = _price_text(file, texts.price)
    if price.price_gbp is None:
        currency = (price.problem or "").startswith("another currency")
        reason = f"price in {price.problem}" if currency else f"unclear price: {price.problem}"
        raise UnreadableError(f"{reason}: {shown}" if price.problem else f"no price: {shown}")
    if price.price_gbp <= 0:
        raise UnreadableError(f"price {price.price_gbp:g}, expected above 0: {shown}")
    amount, per = _unit_price(file, texts)
    promotion = "; ".join(text for one in texts.promotion if (text := words(one))) or None
    offer = _first(texts.multibuy)
    offered = read_price_text(promotion, decimal=file.decimal_separator)
    return Listing(
        product_id=_first(texts.product_id),
        product_name=name,
        price_gbp=price.price_gbp,
        unit_price_gbp=amount,
        unit=per,
        promotion=promotion or offer,
        was_price_gbp=_amount(file, texts.was_price, "was") or price.was_price_gbp or offered.was_price_gbp,
        loyalty_price_gbp=(
            _amount(file, texts.loyalty_price, "loyalty") or price.loyalty_price_gbp or offered.loyalty_price_gbp
        ),
        multibuy=price_texts.multibuy(offer) or price_texts.multibuy(promotion) or price.multibuy,
        in_stock=next((stock for one in texts.in_stock if (stock := is_in_stock(one)) is not None), None),
        url=_first(texts.url),
    )


def _first(values: list[Any]) -> str | None:
    return next((text for one in values if (text := words(one))), None)


def _price_text(file: RetailerFile, values: list[Any]) -> PriceText:
    """Read all values of a price together: which of several counts is decided by what they mean."""
    values = [one for one in values if one is not None and not isinstance(one, bool | dict)]
    if file.prices_in_pence:
        return _pence(values)
    numbers = {float(one) if _fits_float(one) else None for one in values if isinstance(one, int | float)}
    if len(numbers) == len(set(map(str, values))) == 1:
        return read_price_text(numbers.pop())
    texts = (f"{one:f}" if isinstance(one, float) else str(one) for one in values)
    return read_price_text("\n".join(dict.fromkeys(texts)), decimal=file.decimal_separator)


def _fits_float(number: float) -> bool:
    return isinstance(number, float) or abs(number) < 10**15


def _pence(values: list[Any]) -> PriceText:
    """Read prices that the shop states in whole pence."""
    pence = {int(one) if _is_whole(one) else None for one in values}
    if not pence:
        return PriceText()
    (amount,) = pence if len(pence) == 1 else (None,)
    if amount is None:
        return PriceText(problem=f"found {', '.join(str(one)[:20] for one in values)}, expected whole pence")
    return read_price_text(amount / 100)


def _is_whole(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[0-9]{1,9}", value) is not None
    return isinstance(value, int | float) and 0 <= value < 10**9 and value == int(value)


def _amount(file: RetailerFile, values: list[Any], role: price_texts.Role) -> float | None:
    values = [one for one in values if one is not None and not isinstance(one, bool | dict)]
    if file.prices_in_pence:
        return _pence(values).price_gbp
    if len(values) == 1 and isinstance(values[0], int | float):
        return read_price_text(values[0]).price_gbp
    return price_texts.amount_gbp("\n".join(str(one) for one in values), role, decimal=file.decimal_separator)


def _unit_price(file: RetailerFile, texts: ProductTexts) -> tuple[float | None, str | None]:
    """Amount and unit of the unit price; both None where one of them is missing."""
    decimal = file.decimal_separator
    for one in texts.unit_price:
        if (both := price_texts.unit_price(words(one), decimal=decimal)) is not None:
            return both.price_gbp, both.unit
    per = next((unit for one in texts.unit if (unit := price_texts.unit(words(one))) is not None), None)
    amounts = [
        one if isinstance(one, int | float) and not isinstance(one, bool) else words(one) for one in texts.unit_amount
    ]
    amount = next(
        (value for one in amounts if (value := price_texts.unit_amount(one, decimal=decimal)) is not None), None
    )
    if amount is not None and file.prices_in_pence and isinstance(texts.unit_amount[0], int | float):
        amount /= 100
    return (None, None) if amount is None or per is None else (amount, per)


def page_content(
    file: RetailerFile,
    products: Iterable[Callable[[], ProductTexts]],
    failures: list[str] | None = None,
    **rest: Any,  # noqa: ANN401
) -> PageContent:
    """Content of a page from its products; a faulty product is a failure and does not affect the rest."""
    listings: list[Listing] = []
    failures = list(failures or [])
    for product in products:
        try:
            listings.append(listing_of(file, product()))
        except UnreadableError as error:
            failures.append(str(error))
        except Exception as error:
            failures.append(f"{type(error).__name__}: {str(error)[:200]}")
    return PageContent(listings, failures, **rest)


def read_json(text: str, start: int = 0) -> tuple[Any, int]:
    """Return the JSON value at a place of a text, and where it ends.

    Numbers that are no finite number, or of more than 30 digits, come as texts: they cost their product, not the page.
    Raises UnreadableError for what is no JSON, or is nested too deeply.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError as error:
        raise UnreadableError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise UnreadableError("JSON nested too deeply") from error


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= 30 else digits


_DECODER = json.JSONDecoder(strict=False, parse_int=_whole_number, parse_constant=str)


def state_of(page: Page, script: str) -> Any:  # noqa: ANN401  (JSON)
    """Return the JSON state that a page embeds in a script (CSS selector), or that the page is.

    `window.state = {…};` is read from its first brace. Raises UnreadableError where there is none or it is no JSON.
    """
    text = page.text
    if text.lstrip("\ufeff \t\r\n")[:1] not in {"{", "["}:
        found = page.selector().css(script).xpath("string()").get()
        if found is None:
            raise UnreadableError(f"no state: nothing matches {script!r}")
        text = found
    start = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
    if start < 0:
        raise UnreadableError("state holds no JSON object")
    try:
        return read_json(text, start)[0]
    except UnreadableError as error:
        raise UnreadableError(f"state is {error}") from error


def scalars(value: Any) -> Iterator[Any]:  # noqa: ANN401  (JSON)
    """Yield the texts and numbers of a JSON value: itself, or those of a list."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, str | int | float):
            yield one
