"""Frames of addresses and postcodes in the lake, and of the addresses of clusters."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import (
    ADDRESS_PRODUCTS,
    CLASS_CODE,
    GRID_EAST_M,
    GRID_NORTH_M,
    GSS_CODE,
    HEX_ID,
    IDENTIFIER,
    ORIGIN,
    POSTCODE,
    POSTCODE_PRODUCTS,
    RECORDS,
)

_EDITION = "day of the supply, by the name of the file or its header; null where neither has one"


class AddressRecord(dy.Schema):
    """One row per record about an address in a file of an address product (`lake.addresses`).

    Products with one record per address have the kind `address`; AddressBase Premium has several kinds, of which each
    fills its columns. Which record of an address counts is decided where addresses are used.
    """

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the unpacked file")
    product = dy.String(regex=f"^({'|'.join(ADDRESS_PRODUCTS)})$", description="product of addresses; the partition")
    record = dy.String(regex=f"^({'|'.join(RECORDS)})$", description="kind of record")
    supply = dy.String(
        nullable=True, regex="^(full|changes)$", description="full supply or changes only; null where not stated"
    )
    edition = dy.Date(nullable=True, description=_EDITION)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file")
    address_key = dy.Int64(description="UPRN spread evenly over all numbers, for the order of the files")
    uprn = dy.Int64(min=1, max=999_999_999_999, description="unique property reference number")
    change_type = dy.String(nullable=True, regex="^[IUD]$", description="insert, update or delete; null: insert")
    changed_on = dy.Date(nullable=True, description="last change of the record; null where the product has none")
    ended_on = dy.Date(nullable=True, description="end of the record's validity; null while it is valid")
    logical_status = dy.Int32(nullable=True, description="1 approved, 3 alternative, 6 provisional, 8 historical")
    record_key = dy.String(
        nullable=True, description="key of the record among those of its address and kind; null where there is one"
    )
    parent_uprn = dy.Int64(nullable=True, description="UPRN of the parent, such as the shell of a flat")
    class_code = dy.String(nullable=True, regex=CLASS_CODE, description="class, AddressBase classification scheme")
    easting_m = dy.Float64(
        nullable=True, min=0.0, max=GRID_EAST_M, description="easting, metres, British National Grid"
    )
    northing_m = dy.Float64(
        nullable=True, min=0.0, max=GRID_NORTH_M, description="northing, metres, British National Grid"
    )
    postcode = dy.String(nullable=True, regex=POSTCODE, description="postcode, with one space")
    authority = dy.String(nullable=True, regex=GSS_CODE, description="local authority, where the product has its code")


class PostcodeRecord(dy.Schema):
    """One row per postcode in a file of a postcode product (`lake.postcodes`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the unpacked file")
    product = dy.String(regex=f"^({'|'.join(POSTCODE_PRODUCTS)})$", description="product of postcodes; the partition")
    edition = dy.Date(nullable=True, description=_EDITION)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file")
    postcode_key = dy.Int64(description="postcode as a number, spread evenly over all numbers")
    postcode = dy.String(regex=POSTCODE, description="postcode, with one space")
    terminated_month = dy.Date(nullable=True, description="month in which it ended; null while it is in use")
    easting_m = dy.Float64(
        nullable=True, min=0.0, max=GRID_EAST_M, description="easting, metres, British National Grid"
    )
    northing_m = dy.Float64(
        nullable=True, min=0.0, max=GRID_NORTH_M, description="northing, metres, British National Grid"
    )
    output_area = dy.String(nullable=True, regex=GSS_CODE, description="output area; null where the product has none")
    msoa = dy.String(nullable=True, regex=GSS_CODE, description="middle layer area; null where the product has none")
    authority = dy.String(nullable=True, regex=GSS_CODE, description="local authority district")


class TweetClusterAddress(dy.Schema):
    """One row per valid cluster: class and area of its nearest address (`restricted.tweet_cluster_addresses`).

    Neither property identifiers nor postcodes are kept: `docs/tweets/addresses/addresses.md` says why.
    """

    recipe = dy.String(
        primary_key=True, regex=IDENTIFIER, description="recipe of the clusters, as in `seeds.tweet_cluster_recipes`"
    )
    user_key = dy.Int64(primary_key=True, description="pseudonym of the user")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    cluster = dy.Int32(primary_key=True, min=0, description="number of the cluster per user and recipe")
    address_class = dy.String(
        nullable=True, regex=CLASS_CODE, description="class of the nearest address; null: none in reach, or no class"
    )
    address_distance_m = dy.Float64(
        nullable=True, min=0.0, description="distance of the nearest address in metres; null where none is in reach"
    )
    voted_class = dy.String(
        nullable=True, regex=CLASS_CODE, description="class by the vote of the nearest positions; null: no vote"
    )
    class_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of the votes for the primary class of the nearest address"
    )
    output_area = dy.String(nullable=True, regex=GSS_CODE, description="output area; null where unknown")
    authority = dy.String(nullable=True, regex=GSS_CODE, description="local authority; null where unknown")
    area_source = dy.String(
        nullable=True,
        regex="^(address|nearest_postcode)$",
        description="whose area it is: that of the address, or of the nearest postcode; null where unknown",
    )


class AddressRule(dy.Schema):
    """One row per parameter of the look-up of addresses (`seeds.tweet_address_rules`)."""

    parameter = dy.String(primary_key=True, regex="^[a-z_]{1,40}$", description="parameter of the look-up")
    value = dy.Float64(min=0.0, description="value of the parameter")
