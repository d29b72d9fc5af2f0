"""Frames of price indices: elementary indices, aggregates, diagnostics and movements."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import HEX_ID, IDENTIFIER, ORIGIN

_SCOPE = "^(shelf|target)$"
_LEVEL = "^(item|class|division)$"
_FREQUENCY = "^(daily|weekly|monthly)$"
_CODES = "item number, COICOP class or COICOP division"
_SCOPES = "shelf: all quotes; target: those not judged out of the item, undecided ones are in"
_PERIOD = "first day of the period: the day, the Monday of the week, the first of the month"


class ElementaryIndex(dy.Schema):
    """One row per retailer, item, recipe, method, scope and period (`analysis.elementary_price_indices`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    recipe = dy.String(primary_key=True, description="named set of parameters")
    method = dy.String(primary_key=True, description="output of the recipe")
    scope = dy.String(primary_key=True, regex=_SCOPE, description=_SCOPES)
    period = dy.Date(primary_key=True, description=_PERIOD)
    segment = dy.Int32(
        nullable=True,
        min=0,
        description="number of the stretch of periods joined by links; null where there is no index",
    )
    segment_index = dy.Float64(
        nullable=True,
        min_exclusive=0.0,
        description="index within its segment, on any scale; null with a reason",
    )
    products = dy.Int32(min=0, description="products on sale in the period")
    products_used = dy.Int32(min=0, description="of these, compared with another period")
    quotes = dy.Int32(min=0, description="quotes behind them")
    quotes_undecided = dy.Int32(min=0, description="of these, of products whose scope is undecided or referred")
    filtered = dy.Int32(min=0, description="products whose price a filter of the recipe left out")
    window_revision = dy.Float64(
        nullable=True, description="what the newest window makes of the movement before, less the old one; log"
    )
    reason = dy.String(nullable=True, description="why there is no index")


class ProductPeriodPrice(dy.Schema):
    """One row per product and period of a calendar (`analysis.product_period_prices`): the sum of its daily prices."""

    month = dy.Date(description="first day of the month in which the period begins")
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    product = dy.String(primary_key=True, description="product key")
    calendar = dy.String(
        primary_key=True,
        regex="^(weeks|months|second_tuesdays)$",
        description="weeks, months, or of months the second Tuesday and the day either side",
    )
    period = dy.Date(primary_key=True, description=_PERIOD)
    price_sum_gbp = dy.Float64(min_exclusive=0.0, description="sum of the prices of its days in season, GBP")
    quotes = dy.Int32(min=1, description="number of these days")


class PriceChangeBounds(dy.Schema):
    """One row per retailer, item, comparison and period (`analysis.price_change_bounds`): bounds of price changes.

    Both are null where they are not known: a link of a chain spans a period without links.
    """

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    comparison = dy.String(
        primary_key=True,
        description="how products are compared, frequency of the periods, days of them that count, and days for which a"
        " price lasts",
    )
    period = dy.Date(primary_key=True, description="first day of the period")
    period_before = dy.Date(description="first day of the period of the item with which it is compared")
    month = dy.Date(description="first day of the month in which the period begins")
    least = dy.Float64(nullable=True, description="least log price change of the products compared")
    largest = dy.Float64(nullable=True, description="largest log price change of the products compared")
    same_products = dy.Bool(description="whether the index moves by these changes alone")


class IndexDirectionMonth(dy.Schema):
    """One row per retailer, item, recipe, method and month (`analysis.index_direction_months`): counts of movements."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    recipe = dy.String(primary_key=True, description="named set of parameters")
    method = dy.String(primary_key=True, description="output of the recipe")
    month = dy.Date(primary_key=True, description="first day of the month in which the periods of the movements begin")
    movements = dy.Int32(min=0, description="movements of the index with products priced in both periods")
    identified_movements = dy.Int32(min=0, description="those whose sign the prices of these products identify")
    opposite_movements = dy.Int32(min=0, description="identified movements in which the index moved the other way")
    along_movements = dy.Int32(min=0, description="identified movements in which the index moved that way")
    has_changes = dy.Bool(description="whether any price of these products changed")
    moves = dy.Bool(description="whether the index moved")


class IndexDirection(dy.Schema):
    """One row per retailer, item, recipe and method (`analysis.elementary_index_directions`): index against prices."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    recipe = dy.String(primary_key=True, description="named set of parameters")
    method = dy.String(primary_key=True, description="output of the recipe")
    movements = dy.Int32(min=0, description="movements of the index with products priced in both periods")
    identified_movements = dy.Int32(
        min=0, description="those in which prices of these products only rose or only fell, so that the sign is known"
    )
    opposite_movements = dy.Int32(min=0, description="identified movements in which the index moved the other way")
    status = dy.String(regex="^(along|against|untested)$", description="along, against or untested")
    reason = dy.String(nullable=True, description="why the status is not along")


class Figure(dy.Schema):
    """Key of a published figure: an item, class or division, recipe, method, scope and period."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    level = dy.String(primary_key=True, regex=_LEVEL, description="item, class or division")
    code = dy.String(primary_key=True, description=_CODES)
    recipe = dy.String(primary_key=True, description="named set of parameters")
    method = dy.String(primary_key=True, description="output of the recipe")
    scope = dy.String(primary_key=True, regex=_SCOPE, description=_SCOPES)
    period = dy.Date(primary_key=True, description=_PERIOD)


class AggregateIndex(Figure):
    """One row per item, class or division, recipe, method, scope and period (`analysis.aggregate_price_indices`)."""

    frequency = dy.String(regex=_FREQUENCY, description="daily, weekly or monthly")
    index = dy.Float64(nullable=True, min_exclusive=0.0, description="index, 100 = base period; null with a reason")
    products = dy.Int32(min=0, description="products compared, over all children present")
    retailers = dy.Int32(min=0, description="retailers with an elementary index for the item or any item below")
    children = dy.Int32(min=0, description="children that have weight")
    children_absent = dy.Int32(min=0, description="of these, absent in the period")
    imputed_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of the weight (0-1) that moved with the remaining children"
    )
    status = dy.String(regex="^(complete|partial|none)$", description="complete, partial or none")
    reason = dy.String(nullable=True, description="what is missing, assumed or still to be revised")
    base_period = dy.String(nullable=True, description="base period, first..last day")
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the recipe's parameters")


class IndexState(dy.Schema):
    """One row per daily or weekly output, month and array of numbers.

    State at the end of a month, from which the next month is computed: `analysis.price_index_states`, `…_error_states`
    of days, `analysis.unit_price_index_states`, `…_error_states` of days, by prices per unit,
    `analysis.weekly_index_states`, `…_error_states` of the weeks that begin in the month.
    """

    month = dy.Date(primary_key=True, description="first day of the month after which the state is")
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    recipe = dy.String(primary_key=True, description="named set of parameters")
    method = dy.String(primary_key=True, description="output of the recipe")
    scope = dy.String(primary_key=True, regex=_SCOPE, description=_SCOPES)
    array_name = dy.String(primary_key=True, description="name of the array in the state of the output")
    structure = dy.String(
        description="hash of retailers, items, tree and bases, as far as the figures of the month depend on them"
    )
    shape = dy.List(dy.Int64(min=0), description="lengths of the array's axes")
    numbers = dy.List(
        dy.Float64(allow_nan=True), description="values of the array, row by row; nan where there is none"
    )


class SettledFigure(Figure):
    """One row per settled figure (`analysis.settled_figures`): the value that stands."""

    frequency = dy.String(regex=_FREQUENCY, description="daily, weekly or monthly")
    index = dy.Float64(nullable=True, min_exclusive=0.0, description="index that stands; null where there is none")
    revision_status = dy.String(regex="^(settled|revised)$", description="settled, or revised by an event since")
    revisions = dy.Int32(min=0, description="revisions since it was settled")
    vintage = dy.Date(description="last day with quotes when the value was settled or revised")
    settles_on = dy.Date(description="day on which the figure was settled by the policy")
    is_held = dy.Bool(description="true where another value is computed now and no event explains it")
    held_index = dy.Float64(
        nullable=True, min_exclusive=0.0, description="value that is computed now where it is held; null for no index"
    )
    is_computed = dy.Bool(description="false where the figure is not computed any more")


class FigureRevision(Figure):
    """One row per revision of a settled figure (`analysis.figure_revisions`)."""

    revision = dy.Int32(primary_key=True, min=1, description="number of the revision of the figure")
    vintage = dy.Date(description="last day with quotes when the figure was revised")
    frequency = dy.String(regex=_FREQUENCY, description="daily, weekly or monthly")
    old_index = dy.Float64(nullable=True, min_exclusive=0.0, description="index before; null where there was none")
    new_index = dy.Float64(nullable=True, min_exclusive=0.0, description="index since; null where there is none")
    kinds = dy.String(description="kinds of the events: late_file, decision, new_method, new_weights, new_labels")
    reason = dy.String(description="the events that bear on the figure, at most five by name")


class RevisionEvent(dy.Schema):
    """One row per event by which settled figures may change (`analysis.revision_events`)."""

    event_id = dy.String(primary_key=True, description="name of the event")
    kind = dy.String(
        regex="^(late_file|decision|new_method|new_weights|new_labels)$",
        description="late_file, decision, new_method, new_weights or new_labels",
    )
    data_origin = dy.String(nullable=True, regex=ORIGIN, description="data origin that it bears on; null: all")
    recipe = dy.String(nullable=True, description="recipe that it bears on; null: all")
    first_day = dy.Date(nullable=True, description="first day that it bears on; null: all days")
    description = dy.String(description="what happened, for readers")


class IndexDiagnostics(Figure):
    """One row per figure (`analysis.price_index_diagnostics`): its error and its sample."""

    frequency = dy.String(regex=_FREQUENCY, description="daily, weekly or monthly")
    index = dy.Float64(nullable=True, min_exclusive=0.0, description="the figure; null where there is none")
    standard_error = dy.Float64(
        nullable=True, min=0.0, description="bootstrap standard error, index points; null with a reason"
    )
    standard_error_reason = dy.String(nullable=True, description="why there is no standard error")
    change_error_percent = dy.Float64(
        nullable=True, min=0.0,
        description="bootstrap standard error of the change since the day, week or month before, percent",
    )  # fmt: skip
    change_error_reason = dy.String(nullable=True, description="why the change has no standard error")
    week_change_error_percent = dy.Float64(
        nullable=True, min=0.0,
        description="bootstrap standard error of the change of a daily figure since seven days before, percent",
    )  # fmt: skip
    week_change_error_reason = dy.String(
        nullable=True, description="why the change since seven days before has no standard error"
    )
    replicates = dy.Int32(min=0, description="resamples in which the index has a value")
    sampled_share = dy.Float64(
        nullable=True, min=0.0, max=1.0,
        description="share of the weight (0-1) whose samples have two products or more: the error counts these only",
    )  # fmt: skip
    days_collected = dy.Int32(min=0, description="days of the period with any quotes")
    days_in_period = dy.Int32(min=0, description="days of the period that count")
    retailers = dy.Int32(min=0, description="retailers with an elementary index")
    products = dy.Int32(min=0, description="products on sale in the period")
    products_used = dy.Int32(min=0, description="of these, compared with another period")
    matched_share = dy.Float64(nullable=True, min=0.0, max=1.0, description="products compared / products on sale")
    quotes = dy.Int32(min=0, description="quotes in the period")
    entries_per_product = dy.Float64(nullable=True, min=0.0, description="quotes per product on sale")
    referred_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of the quotes (0-1) whose scope is undecided or referred"
    )
    filtered = dy.Int32(min=0, description="products whose price a filter of the recipe left out")
    imputed_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of the weight (0-1) that moved with the remaining children"
    )
    window_revision_percent = dy.Float64(
        nullable=True, description="what the newest window makes of the movement before, less the old one, percent"
    )
    window_revision_reason = dy.String(nullable=True, description="why there is no window revision")
    drift_percent = dy.Float64(
        nullable=True, description="the figure against the same over one window of all periods, percent"
    )
    drift_reason = dy.String(nullable=True, description="why there is no drift")


class IndexMovement(Figure):
    """One row per figure with a predecessor (`analysis.price_index_movements`): its log movement in parts.

    prices + churn + imputation + rejected_days + splice = movement.
    """

    previous_period = dy.Date(description="the period before that has an index")
    movement = dy.Float64(description="log of the index over the one before")
    prices = dy.Float64(description="products on sale in both periods")
    churn = dy.Float64(description="products that are new or gone for good")
    imputation = dy.Float64(
        description="products that return or are away for a while, and retailers or items moved with the rest"
    )
    rejected_days = dy.Float64(description="retailers whose quotes of either period were judged faulty")
    splice = dy.Float64(description="what linking a new window to the published series adds")
