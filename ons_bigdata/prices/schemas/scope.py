"""Frames of the product scope: labels, descriptions, decisions, the model, its evaluation, its effect on indices."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import HEX_ID, HIGHEST_PRICE_GBP, IDENTIFIER, ORIGIN

_DECIDERS = "^(rule|model|analyst|none)$"
"""Source of the decision that a product is in or out of scope; `none`: it is referred to an analyst."""


class ScopeLabel(dy.Schema):
    """One row per product and label file: the judgement of readers (`raw.scope_labels`)."""

    load_id = dy.String(primary_key=True, regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(primary_key=True, min=2, description="line of the file; the header is line 1")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, as its retailer is; the partition")
    item_number = dy.Int32(min=100_000, max=999_999, description="CPI item number")
    item_name = dy.String(max_length=500, description="item name as in the file")
    retailer = dy.String(regex=IDENTIFIER, description="retailer id, lower case")
    product_name = dy.String(min_length=1, max_length=2_000, description="product name (NFC, outer blanks removed)")
    median_price_gbp = dy.Float64(
        nullable=True, min_exclusive=0.0, max=HIGHEST_PRICE_GBP, description="median price in GBP; null where unknown"
    )
    in_scope = dy.Bool(nullable=True, description="the judgement; null where the readings disagree")
    readings = dy.Int32(min=1, description="independent readings that the judgement rests on")


class ProductDescription(dy.Schema):
    """One row per origin, retailer, item and product name, with its attributes (`analysis.product_descriptions`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    item_number = dy.Int32(primary_key=True, description="CPI item number as recorded")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    product_name = dy.String(primary_key=True, description="product name")
    quotes = dy.Int32(min=1, description="days on which the name was listed, over its listings")
    median_price_gbp = dy.Float64(min_exclusive=0.0, description="median price of its first weeks, GBP")
    pack_size = dy.Float64(
        nullable=True, description="median pack size of its first weeks by the unit price, in kg, litres or pieces"
    )
    unit = dy.String(
        nullable=True,
        description="most frequent unit of the unit price in its first weeks; null where the source has none",
    )
    plain_name = dy.String(description="the name in lower case without accents and signs")
    is_cut = dy.Bool(description="true if the source truncated the name")
    measure = dy.String(nullable=True, regex="^(g|ml|each)$", description="g, ml or each; null where no size is known")
    total_size = dy.Float64(nullable=True, min_exclusive=0.0, description="size of the whole pack in its measure")
    pieces = dy.Int32(nullable=True, min=1, description="pieces in the pack; null where unknown")
    piece_size = dy.Float64(
        nullable=True, min_exclusive=0.0, description="size of one piece; null where it is not known"
    )
    is_multiple = dy.Bool(description="true if it is several pieces of one size")
    size_source = dy.String(
        nullable=True, regex="^(name|unit_price)$", description="origin of the size: name or unit price"
    )
    strength_abv = dy.Float64(nullable=True, min=0.0, max=99.0, description="strength in % of volume")
    strength_source = dy.String(
        nullable=True, regex="^(name|brand)$", description="origin of the strength: name or brand"
    )
    country = dy.String(nullable=True, description="country or part of the world that the name points to")
    is_european = dy.Bool(nullable=True, description="true if that is in Europe; null where unknown")
    is_loose = dy.Bool(description="true if it is sold loose or singly")
    terms = dy.String(description="terms of the vocabulary in the name, sorted, between blanks")
    unit_price_gbp = dy.Float64(nullable=True, min_exclusive=0.0, description="price per kg, litre or piece, GBP")


class ProductScope(dy.Schema):
    """One row per origin, retailer, item and product name: in scope of its item or not (`analysis.product_scope`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    product_name = dy.String(primary_key=True, description="product name")
    in_scope = dy.Bool(
        nullable=True, description="in scope or not; of a referred product the better guess; null where there is none"
    )
    probability = dy.Float64(
        nullable=True,
        min=0.0,
        max=1.0,
        description="probability of being in scope by the model; null where a label or a rule decided",
    )
    referred = dy.Bool(description="true if it is referred to an analyst")
    decided_by = dy.String(regex=_DECIDERS, description="rule, model, analyst (a label), or none where it is referred")
    reason = dy.String(description="rule, band or label of the decision, or why there is none")
    quotes = dy.Int32(min=1, description="days on which the name was listed, over its listings")


class ScopeModelRecord(dy.Schema):
    """One row per origin: the model, its labels and its referral band (`analysis.scope_model`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    version = dy.String(description="version of features and method")
    state = dy.String(regex="^(fitted|none)$", description="fitted, or none where there is no model")
    reason = dy.String(nullable=True, description="why there is no model")
    labels = dy.Int32(min=0, description="labels that it was trained on")
    labels_in_scope = dy.Int32(min=0, description="of these, in scope")
    labels_unused = dy.Int32(min=0, description="labels left out: readings or labels that contradict each other")
    families = dy.Int32(min=0, description="families of products among the labels")
    labels_hash = dy.String(nullable=True, regex=HEX_ID, description="hash of the labels in their order")
    lower = dy.Float64(nullable=True, min=0.0, max=1.0, description="above this probability a product is referred")
    upper = dy.Float64(nullable=True, min=0.0, max=1.0, description="below this probability a product is referred")
    parameters = dy.String(description="JSON: parameters, calibration, all weights, hash of what they were fitted to")


class ScopeMetric(dy.Schema):
    """One row per figure of the evaluation on held-out products (`analysis.scope_evaluation`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    held_out = dy.String(
        primary_key=True,
        regex="^(family|retailer)$",
        description="unit of the hold-out: family or retailer",
    )
    breakdown = dy.String(
        primary_key=True, description="products judged: all, those of a retailer or of an item number"
    )
    decider = dy.String(
        primary_key=True,
        regex="^(majority|rules|model|rules_and_model)$",
        description="decider: the majority of the labels, rules, model, or rules before the model",
    )
    weighting = dy.String(
        primary_key=True,
        regex="^(products|quotes)$",
        description="weight of a product: 1, or its quotes until the last month",
    )
    metric = dy.String(
        primary_key=True,
        regex="^(accuracy|accuracy_decided|referred_share|precision|recall|accuracy_at_referral)$",
        description="figure; accuracy uses the better guess for referred products",
    )
    referral = dy.Float64(
        primary_key=True, min=0.0, max=1.0, description="share referred, of metric accuracy_at_referral; else 0"
    )
    value = dy.Float64(nullable=True, min=0.0, max=1.0, description="the figure, a share (0-1); null with a reason")
    products = dy.Int32(min=0, description="labelled products that the figure rests on")
    reason = dy.String(nullable=True, description="why the figure is null")


class ScopeIndexImpact(dy.Schema):
    """One row per series: its daily index of the shelf compared with that of the target (undecided products are in)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    level = dy.String(primary_key=True, regex="^(item|class|division)$", description="item, class or division")
    code = dy.String(primary_key=True, description="item number, COICOP class or COICOP division")
    method = dy.String(primary_key=True, description="daily output of a recipe that has both scopes")
    last_period = dy.Date(nullable=True, description="last day with both indices")
    index_shelf = dy.Float64(
        nullable=True, description="index of all products of the shelf on that day, 100 = base week"
    )
    index_target = dy.Float64(nullable=True, description="index of the target on that day, 100 = base week")
    difference = dy.Float64(nullable=True, description="target less shelf on that day, index points")
    mean_absolute_difference = dy.Float64(nullable=True, description="mean over the days of both, index points")
    largest_difference = dy.Float64(nullable=True, description="largest absolute difference on a day, index points")
    days = dy.Int32(min=0, description="days with both indices")
    quotes = dy.Int64(min=0, description="accepted quotes of the shelf")
    quotes_in_scope_share = dy.Float64(nullable=True, min=0.0, max=1.0, description="share of them (0-1) in scope")
    quotes_undecided_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share (0-1) undecided: in the target"
    )
    reason = dy.String(nullable=True, description="why there is no difference")
