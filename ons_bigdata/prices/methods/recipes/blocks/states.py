"""State of one output of a recipe before a block, as named arrays of numbers: what is stored between two runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import LinkState
from ons_bigdata.prices.methods.recipes.blocks.layers import LayerState, RecentReplicates
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.levels import LevelState
from ons_bigdata.prices.methods.recipes.movements import LastFigures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

_LINKS = ("levels", "segments", "scales", "parent", "base_logs", "anchor_segments", "anchors")


@dataclass(frozen=True, eq=False)
class FiguresState:
    """State of the point figures of an output: its elementary indices, and the levels of the tree above them."""

    pasts: list[Past]
    levels: list[LevelState]

    def arrays(self) -> Arrays:
        """Arrays by name, from which `from_arrays` makes the state again."""
        arrays = _pasts_to_arrays(self.pasts)
        for n, level in enumerate(self.levels):
            arrays |= _named(f"level {n} links", _links_to_arrays(level.links))
            arrays[f"level {n} last segments"] = level.last_segments
        return arrays

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], levels: int) -> FiguresState:
        """State of so many levels of the tree. Raises KeyError where an array is missing."""
        made = [
            LevelState(_links(arrays, f"level {n} links"), _integers(arrays[f"level {n} last segments"]))
            for n in range(levels)
        ]
        return FiguresState(_pasts(arrays), made)


@dataclass(frozen=True, eq=False)
class DiagnosticsState:
    """State of the diagnostics of an output: its elementary resamples and figures, and the levels above them."""

    pasts: list[Past]
    figures: LastFigures
    layers: list[LayerState]

    def arrays(self) -> Arrays:
        """Arrays by name, from which `from_arrays` makes the state again."""
        arrays = _pasts_to_arrays(self.pasts) | _named("figures", _figures_to_arrays(self.figures))
        for n, layer in enumerate(self.layers):
            arrays |= _named(f"level {n} links", _links_to_arrays(layer.links))
            arrays |= _named(f"level {n} replicate links", _links_to_arrays(layer.replicate_links))
            arrays |= _named(f"level {n} figures", _figures_to_arrays(layer.figures))
            arrays[f"level {n} away"] = layer.away
            arrays[f"level {n} replicates"] = layer.recent.replicates
            arrays[f"level {n} has index"] = layer.recent.has_index
            arrays[f"level {n} parts of"] = layer.recent.parts_of
        return arrays

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], levels: int) -> DiagnosticsState:
        """State of so many levels of the tree. Raises KeyError where an array is missing."""
        layers = [
            LayerState(
                _links(arrays, f"level {n} links"),
                _links(arrays, f"level {n} replicate links"),
                _figures(arrays, f"level {n} figures"),
                arrays[f"level {n} away"] > 0,
                RecentReplicates(
                    arrays[f"level {n} replicates"],
                    arrays[f"level {n} has index"] > 0,
                    _integers(arrays[f"level {n} parts of"]),
                ),
            )
            for n in range(levels)
        ]
        return DiagnosticsState(_pasts(arrays), _figures(arrays, "figures"), layers)


def _pasts_to_arrays(pasts: Sequence[Past]) -> Arrays:
    """The pasts of all strata; their periods one after another, `counts` of each."""
    return {
        "pasts counts": np.array([len(past.rows) for past in pasts], dtype=np.int64),
        "pasts rows": np.concatenate([past.rows for past in pasts]),
        "pasts levels": np.concatenate([past.levels for past in pasts]),
        "pasts segments": np.concatenate([past.segments for past in pasts]),
        "pasts newest": np.stack([past.newest for past in pasts]),
        "pasts began": np.array([past.began for past in pasts], dtype=np.int64),
    }


def _pasts(arrays: Mapping[str, NDArray[Any]]) -> list[Past]:
    ends = np.cumsum(_integers(arrays["pasts counts"]))[:-1]
    rows, levels, segments = (np.split(arrays[f"pasts {name}"], ends) for name in ("rows", "levels", "segments"))
    newest, began = _integers(arrays["pasts newest"]), _integers(arrays["pasts began"])
    return [
        Past(_integers(rows[n]), levels[n], _integers(segments[n]), newest[n], int(began[n]))
        for n in range(len(newest))
    ]


def _links_to_arrays(links: LinkState) -> Arrays:
    return {name: getattr(links, name) for name in _LINKS}


def _links(arrays: Mapping[str, NDArray[Any]], name: str) -> LinkState:
    values = {field: arrays[f"{name} {field}"] for field in _LINKS}
    values |= {field: _integers(values[field]) for field in ("segments", "anchor_segments")}
    return LinkState(**values)


def _figures_to_arrays(figures: LastFigures) -> Arrays:
    first = np.array([figures.first], dtype=np.int64)
    return {"first": first, "periods": figures.periods, "indices": figures.indices}


def _figures(arrays: Mapping[str, NDArray[Any]], name: str) -> LastFigures:
    first, periods = (_integers(arrays[f"{name} {field}"]) for field in ("first", "periods"))
    return LastFigures(int(first[0]), periods, arrays[f"{name} indices"])


def _named(name: str, arrays: Arrays) -> Arrays:
    return {f"{name} {field}": array for field, array in arrays.items()}


def _integers(array: NDArray[Any]) -> NDArray[np.int64]:
    return array.astype(np.int64)
