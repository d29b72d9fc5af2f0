"""Lines of archives as their sources write them, with the fields that a test needs and some that it does not."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl

from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.pseudonyms import PseudonymKey
from ons_bigdata.tweets.sources.archives import read_batches

KEY = PseudonymKey(bytes(range(32)))
LON, LAT = -0.127758, 51.507351

V2 = {
    "data": {
        "id": "1346889436626259968",
        "author_id": "2244994945",
        "created_at": "2021-01-06T18:40:40.000Z",
        "geo": {"coordinates": {"type": "Point", "coordinates": [LON, LAT]}, "place_id": "01a9a39529b27f36"},
        "lang": "en",
        "source": "Twitter Web App",
        "text": "Learn how to use the user Tweet timeline",
    },
    "includes": {
        "places": [
            {"id": "07d9db48bc083000", "country_code": "FR", "full_name": "Paris"},
            {"id": "01a9a39529b27f36", "country_code": "GB", "full_name": "London, England"},
        ]
    },
    "matching_rules": [{"id": "1", "tag": "gb"}],
}

V1 = {
    "created_at": "Wed Aug 27 13:08:45 +0000 2014",
    "id": 504604925713076224,
    "id_str": "504604925713076225",
    "text": "na\u00efve",
    "source": '<a href="http://twitter.com/download/iphone" rel="nofollow">Twitter for iPhone</a>',
    "user": {"id": 6253282, "id_str": "6253283", "name": "A, B", "lang": "en"},
    "geo": {"type": "Point", "coordinates": [LAT, LON]},
    "coordinates": {"type": "Point", "coordinates": [LON, LAT]},
    "place": {"country_code": "GB", "bounding_box": {"type": "Polygon", "coordinates": [[[0, 51], [1, 52]]]}},
    "lang": "en",
    "timestamp_ms": "1409144925120",
}

ACTIVITY = {
    "id": "tag:search.twitter.com,2005:504604925713076225",
    "objectType": "activity",
    "verb": "post",
    "postedTime": "2014-08-27T13:08:45.000Z",
    "actor": {"objectType": "person", "id": "id:twitter.com:6253283", "languages": ["en"]},
    "generator": {"displayName": "Twitter for iPhone", "link": "http://twitter.com/download/iphone"},
    "geo": {"type": "Point", "coordinates": [LAT, LON]},
    "location": {"objectType": "place", "twitter_country_code": "GB", "geo": {"type": "Polygon", "coordinates": []}},
    "twitter_lang": "en",
}

CSV = "1409144925,6253283,Ann,en,London,Camden,GB,51.507351,-0.127758,a quiet day"


def changed(line: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a line with other fields; those that are `...` are left out."""
    return {name: value for name, value in {**line, **fields}.items() if value is not ...}


def read(*lines: dict[str, Any] | str, name: str = "archive.jsonl", end: str = "\n") -> Batch:
    """Read lines as an archive of one block."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    content = end.join([*texts, ""]).encode()
    batches = list(read_batches(io.BytesIO(content), name, key=KEY))
    assert len(batches) <= 1
    return batches[0]


def reasons(batch: Batch) -> list[tuple[int, str]]:
    """Lines of a batch in quarantine with their reasons."""
    return list(batch.quarantined.iter_rows())


def only(batch: Batch) -> dict[str, Any]:
    """Return the single accepted row of a batch."""
    assert batch.quarantined.is_empty(), batch.quarantined
    assert isinstance(batch.accepted, pl.DataFrame)
    assert batch.accepted.height == 1
    return batch.accepted.row(0, named=True)
