"""Lake: bulk rows about entities as Parquet files named by their content, in buckets of entities.

`ops.lake_files` has the files that are live; `Lake.scan` is the way in, `engine` runs a method bucket by bucket.
"""

from ons_bigdata.platform.lake.catalog import Lake
from ons_bigdata.platform.lake.tables import LakeTable

__all__ = ["Lake", "LakeTable"]
