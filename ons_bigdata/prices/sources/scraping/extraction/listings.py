"""Products of a page, from the texts of any page family to listings or failures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ons_bigdata.prices.sources.quote_writer import Listing
from ons_bigdata.prices.sources.scraping.extraction import multibuys, price_texts, unit_prices
from ons_bigdata.prices.sources.scraping.extraction.amounts.labels import Role
from ons_bigdata.prices.sources.scraping.extraction.page import PageContent, UnreadableError, words
from ons_bigdata.prices.sources.scraping.extraction.price_texts import PriceText, read_price_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ons_bigdata.prices.sources.retailer_files import RetailerFile


def is_in_stock(value: object) -> bool | None:
    """True if a product is in stock, from true/false or schema.org's ItemAvailability; None where not stated."""
    if value is None or isinstance(value, bool):
        return value
    name = re.split(r"[/#:]", str(value)[:200].rstrip("/"))[-1].casefold()
    if name in {"instock", "limitedavailability", "onlineonly", "instoreonly", "true"}:
        return True
    return False if name in {"outofstock", "soldout", "discontinued", "backorder", "preorder", "false"} else None


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
        multibuy=multibuys.multibuy(offer) or multibuys.multibuy(promotion) or price.multibuy,
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


def _amount(file: RetailerFile, values: list[Any], role: Role) -> float | None:
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
        if (both := unit_prices.unit_price(words(one), decimal=decimal)) is not None:
            return both.price_gbp, both.unit
    per = next((unit for one in texts.unit if (unit := unit_prices.unit(words(one))) is not None), None)
    amounts = [
        one if isinstance(one, int | float) and not isinstance(one, bool) else words(one) for one in texts.unit_amount
    ]
    amount = next(
        (value for one in amounts if (value := unit_prices.unit_amount(one, decimal=decimal)) is not None), None
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
