"""Files of addresses and postcodes: `ons-bigdata ingest addresses PATH…`. `SOURCES` lists their kinds."""

from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import BulkAdapter, BulkSource, Catchall, LandingFolder
from ons_bigdata.tweets.schemas.addresses import AddressRecord, PostcodeRecord
from ons_bigdata.tweets.schemas.vocabulary import ADDRESS_PRODUCTS, POSTCODE_PRODUCTS
from ons_bigdata.tweets.sources.addresses import address_files, postcode_files

_COMMAND, _AREA = "addresses", "addresses"
_MOST_BYTES = 100 * 1024**3

SOURCES = (
    BulkSource(
        command=_COMMAND,
        reader=Reader("addresses", "address_file", "1"),
        area=_AREA,
        adapter=lambda _context: BulkAdapter(address_files.recognise, address_files.read_batches),
        table=address_files.ADDRESSES,
        description="One row per record about an address in a file of an address product.",
        columns={name: column.description or "" for name, column in AddressRecord.columns().items()},
        partition_column="product",
        landing=LandingFolder("addresses", "Files of address products. Written by `ons-bigdata ingest addresses`."),
        calendar=None,
        max_file_bytes=_MOST_BYTES,
        max_ratio=100,
        is_personal=False,
        expires_after_days=None,
        partition_keys=frozenset(ADDRESS_PRODUCTS),
    ),
    BulkSource(
        command=_COMMAND,
        reader=Reader("postcodes", "postcode_file", "1"),
        area=_AREA,
        adapter=lambda _context: BulkAdapter(postcode_files.recognise, postcode_files.read_batches),
        table=postcode_files.POSTCODES,
        description="One row per postcode in a file of a postcode product.",
        columns={name: column.description or "" for name, column in PostcodeRecord.columns().items()},
        partition_column="product",
        landing=LandingFolder("postcodes", "Files of postcode products. Written by `ons-bigdata ingest addresses`."),
        calendar=None,
        max_file_bytes=_MOST_BYTES,
        max_ratio=100,
        is_personal=False,
        expires_after_days=None,
        partition_keys=frozenset(POSTCODE_PRODUCTS),
    ),
    Catchall(
        command=_COMMAND,
        reader=Reader("unknown_addresses", "unknown_address_file", "1"),
        reason=(
            "no layout of an address or postcode product; expected AddressBase, AddressBase Core, Plus or Premium, "
            "OS Open UPRN, Code-Point Open or the ONS Postcode Directory as CSV in UTF-8"
        ),
    ),
)
