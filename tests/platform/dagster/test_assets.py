"""Attributes of assets that are set for every pilot."""

from functools import partial
from pathlib import Path

import dagster as dg

from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.dagster.assets import annotate_assets, code_link


@dg.asset(key=["raw", "quotes"])
def quotes() -> None:
    """Build nothing."""


def lines_of_link(metadata: dict) -> list[str]:
    """Return the source line that each link leads to."""
    links = metadata["dagster/code_references"].code_references
    return [Path(link.file_path).read_text().splitlines()[link.line_number - 1] for link in links]


def test_an_asset_has_a_link_to_its_function() -> None:
    outside = dg.AssetSpec(["landing", "quotes"])
    inside, external = annotate_assets([quotes, outside], pilot="prices", area="collection", frames={})
    assert isinstance(inside, dg.AssetsDefinition)
    (spec,) = inside.specs
    assert lines_of_link(dict(spec.metadata)) == ['@dg.asset(key=["raw", "quotes"])']
    assert "dagster/code_references" not in external.metadata
    (link,) = code_link(partial(partial(lines_of_link), {}))["dagster/code_references"].code_references
    assert Path(link.file_path) == Path(__file__)


def test_every_asset_of_the_pilots_has_a_link_to_a_function_of_its_pilot() -> None:
    for pilot in PILOTS:
        for asset in pilot.assets:
            for spec in [] if isinstance(asset, dg.AssetSpec) else asset.specs:
                (link,) = spec.metadata["dagster/code_references"].code_references
                assert f"/{pilot.name}/" in link.file_path, spec.key
                (line,) = lines_of_link(dict(spec.metadata))
                assert line.lstrip().startswith(("@", "def ")) or "lambda" in line
