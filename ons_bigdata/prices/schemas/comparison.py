"""Frames of comparisons: with official figures, of methods, of frequencies of collection, and of sources."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import IDENTIFIER, ORIGIN

FREQUENCIES = ("daily", "weekly", "monthly")
_FREQUENCY = f"^({'|'.join(FREQUENCIES)})$"


class RebuiltItemIndex(dy.Schema):
    """One row per origin of prices, formula, item and month (`analysis.rebuilt_item_indices`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    prices_from = dy.String(
        primary_key=True,
        regex="^(official_quotes|scraped_quotes)$",
        description="origin of the prices: official quotes, or scraped quotes in the same form",
    )
    formula = dy.String(
        primary_key=True,
        regex="^(office|jevons|dutot|carli|harmonic|cswd)$",
        description="the office's method, or an elementary formula over the same quotes without any weight",
    )
    item_number = dy.Int32(primary_key=True, description="item number")
    month = dy.Date(primary_key=True, description="month, by its first day")
    index = dy.Float64(nullable=True, min_exclusive=0.0, description="index, 100 = the month of the base prices")
    quotes = dy.Int32(min=0, description="quotes that count")
    strata = dy.Int32(min=0, description="strata that they lie in")
    published_index = dy.Float64(
        nullable=True, description="printed official item index of the month; null where there is none to compare"
    )
    difference = dy.Float64(nullable=True, description="index - published_index, index points")
    agrees = dy.Bool(nullable=True, description="true if the difference is within half a unit of the third decimal")
    reason = dy.String(nullable=True, description="why there is no index, or nothing to compare it with")


class PriceComparison(dy.Schema):
    """One row per pair of series, item, class or division and scope (`analysis.price_comparisons`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    kind = dy.String(
        primary_key=True,
        regex="^(official|methods)$",
        description="a recipe with an official figure, or two recipes with each other",
    )
    level = dy.String(primary_key=True, regex="^(item|class|division)$", description="item, class or division")
    code = dy.String(primary_key=True, description="item number, COICOP class or COICOP division")
    scope = dy.String(primary_key=True, regex="^(shelf|target)$", description="whole shelf or target products only")
    left_series = dy.String(primary_key=True, description="recipe/method of the first series")
    right_series = dy.String(primary_key=True, description="recipe/method of the second series, or the official one")
    frequency = dy.String(regex=_FREQUENCY, description="the coarser of the two frequencies; the finer was averaged")
    periods = dy.Int32(min=0, description="common periods")
    first_period = dy.Date(nullable=True, description="first common period, by its first day; both are 100 there")
    last_period = dy.Date(nullable=True, description="last common period, by its first day")
    left_last_index = dy.Float64(nullable=True, description="first index in the last common period, 100 = first one")
    right_last_index = dy.Float64(nullable=True, description="second index in the last common period, 100 = first one")
    mean_difference = dy.Float64(nullable=True, description="mean of first - second after the first period, points")
    root_mean_square_difference = dy.Float64(nullable=True, min=0.0, description="of the same differences, points")
    largest_difference = dy.Float64(nullable=True, min=0.0, description="largest of the same differences, absolute")
    correlation = dy.Float64(nullable=True, min=-1.0, max=1.0, description="of the two indices")
    correlation_of_rates = dy.Float64(
        nullable=True, min=-1.0, max=1.0, description="of the rates of change between neighbouring periods"
    )
    mean_rate_difference = dy.Float64(
        nullable=True, description="mean of first - second rate between neighbouring periods, percentage points"
    )
    annual_rate_difference = dy.Float64(
        nullable=True, description="mean of first - second rate over a year, percentage points"
    )
    left_turning_points = dy.Int32(nullable=True, min=0, description="turning points of the first series")
    right_turning_points = dy.Int32(nullable=True, min=0, description="turning points of the second series")
    shared_turning_points = dy.Int32(nullable=True, min=0, description="of them in the same period and direction")
    reason = dy.String(nullable=True, description="why figures are null")


class ComparedPriceIndex(dy.Schema):
    """One row per recipe, official series and common month (`analysis.compared_price_indices`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    level = dy.String(primary_key=True, regex="^(item|class|division)$", description="item, class or division")
    code = dy.String(primary_key=True, description="item number, COICOP class or COICOP division")
    scope = dy.String(primary_key=True, regex="^(shelf|target)$", description="whole shelf or target products only")
    left_series = dy.String(primary_key=True, description="recipe/method")
    right_series = dy.String(primary_key=True, description="official series")
    period = dy.Date(primary_key=True, description="month, by its first day")
    left_index = dy.Float64(min_exclusive=0.0, description="index by the recipe, 100 = first common month")
    right_index = dy.Float64(min_exclusive=0.0, description="official index, 100 = first common month")
    left_monthly_rate = dy.Float64(nullable=True, description="change on the month before, per cent")
    right_monthly_rate = dy.Float64(nullable=True, description="change on the month before, per cent")
    left_annual_rate = dy.Float64(nullable=True, description="change on the same month a year before, per cent")
    right_annual_rate = dy.Float64(nullable=True, description="change on the same month a year before, per cent")
    reason = dy.String(nullable=True, description="why rates are null")


class CollectionMovement(dy.Schema):
    """One row per retailer, item, frequency, choice of collection days and period (`analysis.collection_movements`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    frequency = dy.String(
        primary_key=True, regex=_FREQUENCY, description="frequency of collection: daily, weekly or monthly"
    )
    choice = dy.Int32(primary_key=True, min=0, description="collection days: 0, the weekday, or the day of the period")
    period = dy.Date(primary_key=True, description="first day of the period; the movement is from the one before")
    period_days = dy.Int32(min=7, description="length of the period in days")
    log_relative = dy.Float64(
        nullable=True, description="mean log price relative of the products in both periods; null where there is none"
    )
    variance = dy.Float64(
        nullable=True, min=0.0, description="bootstrap variance of that mean; null for fewer than two products"
    )
    quotes = dy.Int32(min=1, description="quotes in the period")


class CollectionFrequency(dy.Schema):
    """One row per item or division, retailers and frequency of collection (`analysis.collection_frequencies`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    level = dy.String(primary_key=True, regex="^(item|division)$", description="item or division")
    code = dy.String(primary_key=True, description="item number or COICOP division")
    retailers = dy.String(
        primary_key=True, description="retailers collected: `all`, `without <retailer>` or `<retailer> alone`"
    )
    frequency = dy.String(
        primary_key=True, regex=_FREQUENCY, description="frequency of collection: daily, weekly or monthly"
    )
    period_days = dy.Int32(
        nullable=True, min=7, description="length in days of the periods whose prices are compared; null: too few days"
    )
    movements = dy.Int32(min=0, description="movements between neighbouring periods under full collection")
    choices = dy.Int32(min=0, description="possible collection days: 1, the weekdays, or the days of a period")
    estimates = dy.Int32(min=0, description="choices × movements that gave an estimate")
    quotes_per_period = dy.Float64(nullable=True, min=0.0, description="mean quotes in a period, over choices")
    mean_difference = dy.Float64(
        nullable=True, description="mean difference of ln(movement) from full collection, per cent"
    )
    spread = dy.Float64(
        nullable=True, min=0.0, description="root mean square of that difference over choices and movements, per cent"
    )
    largest_difference = dy.Float64(nullable=True, min=0.0, description="largest of these, absolute, per cent")
    standard_error = dy.Float64(
        nullable=True, min=0.0, description="of the movement by bootstrap over products within retailers, per cent"
    )
    total_error = dy.Float64(nullable=True, min=0.0, description="√(spread² + standard_error²), per cent")
    reason = dy.String(nullable=True, description="why figures are null")


class SourceMatch(dy.Schema):
    """One row per pair of matched products, and per product without a match (`analysis.source_matches`)."""

    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    source = dy.String(regex=IDENTIFIER, description="other source, as in seed `price_sources`")
    retailer = dy.String(regex=IDENTIFIER, description="retailer whose products they are")
    item_number = dy.Int32(description="item number")
    product = dy.String(nullable=True, description="scraped product; null for an unmatched product of the other source")
    other_product = dy.String(
        nullable=True, description="product of the other source; null for an unmatched scraped product"
    )
    product_name = dy.String(nullable=True, description="name of the scraped product")
    other_product_name = dy.String(nullable=True, description="name in the other source")
    matched_by = dy.String(regex="^(id|name|score|none)$", description="same id, same normalised name, score, or none")
    score = dy.Float64(nullable=True, min=0.0, max=1.0, description="0 to 1; of the best candidate where unmatched")
    why = dy.String(description="evidence for the match, or why there is none")


class SourceAgreement(dy.Schema):
    """One row per other source and retailer: coverage, agreement, lag (`analysis.source_agreement`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    source = dy.String(primary_key=True, regex=IDENTIFIER, description="other source, as in seed `price_sources`")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer whose products they are")
    days = dy.Int32(min=0, description="days scraped between the first and the last file of the source")
    days_delivered = dy.Int32(min=0, description="of these, with quotes of the source")
    products = dy.Int32(min=0, description="scraped products in these days")
    other_products = dy.Int32(min=0, description="products of the source in these days")
    matched_products = dy.Int32(min=0, description="matched one to one")
    coverage = dy.Float64(nullable=True, min=0.0, max=1.0, description="matched share of the scraped quotes' products")
    other_coverage = dy.Float64(nullable=True, min=0.0, max=1.0, description="matched share of the source's products")
    quotes_covered = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of scraped quotes that the source has on the same day"
    )
    compared_quotes = dy.Int32(min=0, description="quotes of matched products on the same day in both")
    share_equal = dy.Float64(nullable=True, min=0.0, max=1.0, description="of them with the same price to the penny")
    median_relative_difference = dy.Float64(
        nullable=True, min=0.0, description="median of |other / scraped - 1|, same day"
    )
    delivery_delay_days = dy.Float64(
        nullable=True, description="median of days between a quote's day and its file's, days"
    )
    days_behind = dy.Int32(nullable=True, min=0, description="lag at which most prices are equal, days")
    share_equal_at_lag = dy.Float64(nullable=True, min=0.0, max=1.0, description="share equal at that lag")
    share_stale = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share that is an older price of the product, beyond that lag"
    )
    could_replace = dy.Bool(nullable=True, description="true if the file meets every bound of the method's page")
    reason = dy.String(nullable=True, description="bounds that are not met, or why there are no figures")
