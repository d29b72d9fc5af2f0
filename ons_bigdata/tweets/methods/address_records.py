"""Current addresses and postcodes of the records of all products, editions and changes: which record counts."""

from __future__ import annotations

import polars as pl

PRODUCT_ORDER = ("premium", "plus", "core", "addressbase", "open_uprn")
"""Products of addresses in the order in which they count: the most detailed first."""

POSTCODE_PRODUCT_ORDER = ("onspd", "code_point_open")

APPROVED = 1
"""Logical status of addresses in use; provisional and historical ones have others."""

_CHANGES = {"I": 0, "U": 1, "D": 2}

ADDRESS_COLUMNS: dict[str, pl.DataType] = {
    "data_origin": pl.String(),
    "uprn": pl.Int64(),
    "class_code": pl.String(),
    "easting_m": pl.Float64(),
    "northing_m": pl.Float64(),
    "postcode": pl.String(),
    "parent_uprn": pl.Int64(),
    "authority": pl.String(),
}
"""Columns of current addresses."""

_ADDRESS = ("data_origin", "uprn")


def latest_full_editions(records: pl.LazyFrame) -> pl.LazyFrame:
    """Edition of the latest full supply: `data_origin`, `product`, `full_edition`; products without one are left out.

    `records` has the columns of AddressRecord, of all addresses or some: the latest of several results is that of all.
    """
    full = records.filter((pl.col("supply") == "full") & pl.col("edition").is_not_null())
    return full.group_by("data_origin", "product").agg(pl.col("edition").max().alias("full_edition"))


def current_addresses(records: pl.DataFrame, full_editions: pl.DataFrame) -> pl.DataFrame:
    """Current addresses (ADDRESS_COLUMNS), one per UPRN and origin, of all records about them.

    `records` has the columns of AddressRecord with all rows of the addresses in it, in any order; `full_editions` those
    of `latest_full_editions` over the whole table. The result does not depend on the order in which files came.

    1. Within a product, records of editions before its latest full supply are superseded.
    2. Of several versions of a record, that of the latest edition counts; then the latest change; then D after U after
       I; then load and line. Records without edition come before those with one. A record of which the last version is
       a deletion is gone.
    3. In AddressBase Premium, the class is the valid one that changed last, or an ended one where none is valid. The
       postcode is that of the delivery point, else that of the property. An address is out unless its property is
       approved, and at least one of its names where it has any.
    4. Of several products the most detailed one that knows the address counts, even where it has deleted it.

    Raises ValueError for records of an unknown product.
    """
    unknown = set(records["product"].unique()) - set(PRODUCT_ORDER)
    if unknown:
        raise ValueError(f"unknown product {min(unknown)!r}; known: {', '.join(PRODUCT_ORDER)}")
    kept = _without_superseded(records, full_editions).sort("uprn", "data_origin")
    same = pl.col("uprn") == pl.col("uprn").shift(1)
    several = (same.fill_null(value=False) | same.shift(-1, fill_value=False)).alias("several")
    kept = kept.with_columns(several)
    single = kept.filter(~pl.col("several") & pl.col("record").is_in(["address", "property"]))
    in_use = single.filter(_is_in_use()).select(list(ADDRESS_COLUMNS))
    if not kept["several"].any():
        return in_use
    return pl.concat([in_use, _combine(_last_versions(kept.filter("several")))])


def current_postcodes(records: pl.DataFrame) -> pl.DataFrame:
    """Current postcodes, one per postcode and origin: data_origin, postcode, easting_m, northing_m, areas, is_in_use.

    `records` has the columns of PostcodeRecord. The ONS Postcode Directory counts before Code-Point Open, a later
    edition before an earlier one and before none, then the larger load and line.
    """
    order = records.with_columns(_rank("product", POSTCODE_PRODUCT_ORDER).alias("rank"))
    latest = order.sort(
        "rank", "edition", "load_id", "line", descending=[False, True, True, True], nulls_last=True
    ).unique(["data_origin", "postcode"], keep="first", maintain_order=True)
    return latest.select(
        "data_origin",
        "postcode",
        "easting_m",
        "northing_m",
        "output_area",
        "msoa",
        "authority",
        pl.col("terminated_month").is_null().alias("is_in_use"),
    )


def _without_superseded(records: pl.DataFrame, full_editions: pl.DataFrame) -> pl.DataFrame:
    """Records but those of editions before the latest full supply of their product."""
    if full_editions.is_empty():
        return records
    latest = full_editions.group_by("data_origin", "product").agg(pl.col("full_edition").max())
    joined = records.join(latest, on=["data_origin", "product"], how="left")
    is_superseded = (pl.col("edition") < pl.col("full_edition")).fill_null(value=False)
    return joined.filter(~is_superseded).drop("full_edition")


def _last_versions(records: pl.DataFrame) -> pl.DataFrame:
    """Last version of each record, deletions included."""
    keys = [*_ADDRESS, "product", "record", "record_key"]
    change = pl.col("change_type").fill_null("I").replace_strict(_CHANGES, return_dtype=pl.Int8)
    return (
        records.with_columns(change.alias("change"))
        .sort(*keys, "edition", "changed_on", "change", "load_id", "line", nulls_last=False)
        .unique(keys, keep="last", maintain_order=True)
        .drop("change")
    )


def _combine(records: pl.DataFrame) -> pl.DataFrame:
    """Addresses of the last versions of their records, over kinds of records and products."""
    is_deleted = (pl.col("change_type") == "D").fill_null(value=False)
    of_address = [*_ADDRESS, "product"]
    bases = records.filter(pl.col("record").is_in(["address", "property"]))
    valid = records.filter(~is_deleted).sort(
        pl.col("ended_on").is_not_null(),
        "changed_on",
        "record_key",
        descending=[False, True, False],
        nulls_last=True,
    )
    classes, points = (
        valid.filter(pl.col("record") == kind)
        .group_by(of_address, maintain_order=True)
        .agg(pl.col(column).first().alias(f"{kind}_{column}"))
        for kind, column in (("class", "class_code"), ("delivery_point", "postcode"))
    )
    names = (
        records.filter((pl.col("record") == "name") & ~is_deleted)
        .group_by(of_address)
        .agg((pl.col("logical_status") == APPROVED).any().alias("has_approved_name"))
    )
    joined = bases
    for part in (classes, points, names):
        joined = joined.join(part, on=of_address, how="left")
    first = (
        joined.with_columns(_rank("product", PRODUCT_ORDER).alias("rank"))
        .sort(*_ADDRESS, "rank")
        .unique(_ADDRESS, keep="first", maintain_order=True)
    )
    in_use = first.filter(_is_in_use() & pl.col("has_approved_name").fill_null(value=True))
    return in_use.with_columns(
        pl.coalesce("class_code", "class_class_code").alias("class_code"),
        pl.coalesce("delivery_point_postcode", "postcode").alias("postcode"),
    ).select(list(ADDRESS_COLUMNS))


def _is_in_use() -> pl.Expr:
    """True for an address or property that is neither deleted nor provisional nor historical."""
    is_deleted = (pl.col("change_type") == "D").fill_null(value=False)
    return ~is_deleted & (pl.col("logical_status").fill_null(APPROVED) == APPROVED)


def _rank(column: str, order: tuple[str, ...]) -> pl.Expr:
    return pl.col(column).replace_strict({name: place for place, name in enumerate(order)}, return_dtype=pl.Int8)
