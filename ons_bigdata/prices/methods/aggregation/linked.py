"""Aggregation linked from period to period, in which an absent child moves with those present, on arrays.

Children to parents, for all parents of a level and all replicates of a bootstrap at once; a single index is one
replicate. The rules are on the page `docs/prices/indices/aggregation.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

_Number = TypeVar("_Number", np.float64, np.int64)

ABSENT = -1
_NOT_BEGUN = -2


@dataclass(frozen=True, eq=False)
class Children:
    """Levels of children in periods x replicates x parents x children.

    `levels`: any scale within a segment, nan where absent. `segments`: number of the unbroken stretch, -1 where
    absent. `weights`: parents x children; 0 takes no part (and fills up parents of fewer children). `shares`: periods x
    parents x children, the part (0-1) of a child that is imputed itself.
    """

    levels: Floats
    segments: Integers
    weights: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class Parents:
    """Output of `aggregated`: periods x replicates x parents.

    `index`: 100 = geometric mean over the base periods, nan where there is none. `imputed_share`: of the weight.
    `before`, `after`: periods x replicates x parents x children, a child's level at the period before and at the
    period, on the scale on which Σ w·after / Σ w·before is the parent's movement; nan where it takes no part. None
    unless `with_movements`.
    """

    index: Floats
    imputed_share: Floats
    before: Floats | None
    after: Floats | None


@dataclass(frozen=True, eq=False)
class LinkState:
    """Where parents and their children are after a period: what the next period is linked to.

    Replicates x parents x children: `levels` on the scale of the parent, nan before a child begins; `segments`, in
    which a child moves; `scales`, from a segment's own scale to that of the parent. Replicates x parents: `parent`,
    level of the parent since its first base period; `base_logs`, its mean log level over the base, nan where it has no
    base. `anchors`: segments that reach the base, numbers x replicates x parents x children, mean log level over the
    base periods, nan where the child has none in that segment; `anchor_segments`: their numbers.
    """

    levels: Floats
    segments: Integers
    scales: Floats
    parent: Floats
    base_logs: Floats
    anchor_segments: Integers
    anchors: Floats

    @staticmethod
    def before_base(replicates: int, parents: int, children: int) -> LinkState:
        """State of parents that have no base yet: they have no index until an opening gives them one."""
        shape = (replicates, parents, children)
        return LinkState(
            levels=np.full(shape, np.nan),
            segments=np.full(shape, _NOT_BEGUN),
            scales=np.full(shape, np.nan),
            parent=np.ones(shape[:2]),
            base_logs=np.full(shape[:2], np.nan),
            anchor_segments=np.zeros(0, dtype=np.int64),
            anchors=np.zeros((0, *shape)),
        )

    def of_parents(self, parents: Integers) -> LinkState:
        """State of some parents."""
        return LinkState(
            self.levels[:, parents],
            self.segments[:, parents],
            self.scales[:, parents],
            self.parent[:, parents],
            self.base_logs[:, parents],
            self.anchor_segments,
            self.anchors[:, :, parents],
        )

    def with_parents(self, parents: Integers, state: LinkState) -> LinkState:
        """State in which some parents are those of another one, in their order."""
        numbers = np.union1d(self.anchor_segments, state.anchor_segments)
        anchors = np.full((len(numbers), *self.levels.shape), np.nan)
        anchors[np.searchsorted(numbers, self.anchor_segments)] = self.anchors
        anchors[:, :, parents] = np.nan
        places = np.searchsorted(numbers, state.anchor_segments)
        for place, anchor in zip(places.tolist(), state.anchors, strict=True):
            anchors[place][:, parents] = anchor
        return LinkState(
            _replaced(self.levels, parents, state.levels),
            _replaced(self.segments, parents, state.segments),
            _replaced(self.scales, parents, state.scales),
            _replaced(self.parent, parents, state.parent),
            _replaced(self.base_logs, parents, state.base_logs),
            numbers,
            anchors,
        )


def _replaced(values: NDArray[_Number], parents: Integers, others: NDArray[_Number]) -> NDArray[_Number]:
    """Values, replicates x parents, with those of some parents replaced."""
    merged = values.copy()
    merged[:, parents] = others
    return merged


def aggregated(children: Children, base: Booleans, *, with_movements: bool = False) -> Parents:
    """Average children into parents, arithmetically, linked period by period.

    `base`: which periods are the base. A parent without a child in the base has no index; periods before the first
    base period with a child are linked backwards from it. Children of weight 0 are ignored.

    Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9 (missing prices and
    higher-level indices).
    """
    return aggregated_with_state(children, base, with_movements=with_movements)[0]


def aggregated_with_state(
    children: Children, base: Booleans, *, with_movements: bool = False
) -> tuple[Parents, LinkState]:
    """Average children into parents as `aggregated`; return the state after the last period, too."""
    segments = np.where(children.weights > 0, children.segments, ABSENT)
    numbers, anchors = _anchors(children.levels, segments, base)
    levels, anchored = _anchored(children.levels, segments, numbers, anchors)
    linking = _Linking(levels, segments, anchored, children.weights, children.shares)
    parents, state, base_logs = linking.parents(base, with_movements=with_movements)
    after = LinkState(state.levels, state.segments, state.scales, state.parent, base_logs, numbers, anchors)
    return parents, after


def aggregated_from_state(
    children: Children, before: LinkState, *, with_movements: bool = False
) -> tuple[Parents, LinkState]:
    """Average children into parents from the period after a state on; return the state after the last period, too.

    Periods up to the base are in the state: block by block gives what `aggregated` gives at once.
    """
    segments = np.where(children.weights > 0, children.segments, ABSENT)
    levels, anchored = _anchored(children.levels, segments, before.anchor_segments, before.anchors)
    linking = _Linking(levels, segments, anchored, children.weights, children.shares)
    state = _State(before.levels, before.segments, before.scales, before.parent)
    parents, state = linking.continued(state, before.base_logs, with_movements=with_movements)
    return parents, replace(
        before, levels=state.levels, segments=state.segments, scales=state.scales, parent=state.parent
    )


def _anchors(levels: Floats, segments: Integers, base: Booleans) -> tuple[Integers, Floats]:
    """Segments that reach the base: their numbers, and each child's mean log level in them over the base periods."""
    of_base = segments[base]
    logs = np.log(levels[base], where=of_base >= 0, out=np.zeros(of_base.shape))
    numbers = np.unique(of_base[of_base >= 0])
    anchors = np.full((len(numbers), *segments.shape[1:]), np.nan)
    for place, number in enumerate(numbers):
        periods = of_base == number
        count = periods.sum(axis=0)
        total = np.where(periods, logs, 0.0).sum(axis=0)
        np.divide(total, count, where=count > 0, out=anchors[place])
    return numbers, anchors


def _anchored(levels: Floats, segments: Integers, numbers: Integers, anchors: Floats) -> tuple[Floats, Booleans]:
    """Scale each segment that reaches the base to geometric mean 1 over it, with the mask of those."""
    levels = np.where(segments >= 0, levels, np.nan)
    anchored = np.zeros(levels.shape, dtype=np.bool_)
    for number, means in zip(numbers, anchors, strict=True):
        scaled = (segments == number) & np.isfinite(means)
        anchored |= scaled
        levels = np.where(scaled, levels * np.exp(-means), levels)
    return levels, anchored


@dataclass
class _State:
    """State of the children of all parents: replicates x parents x children; `parent`: replicates x parents."""

    levels: Floats
    segments: Integers
    scales: Floats
    parent: Floats

    def copy(self) -> _State:
        return _State(self.levels.copy(), self.segments.copy(), self.scales.copy(), self.parent.copy())


@dataclass(frozen=True, eq=False)
class _Linking:
    """The levels, scaled to the base, and the steps over them."""

    levels: Floats
    segments: Integers
    anchored: Booleans
    weights: Floats
    shares: Floats

    def parents(self, base: Booleans, *, with_movements: bool) -> tuple[Parents, _State, Floats]:
        """Step from each parent's first base period through the base, back to the start, then to the end.

        Gives the state after the last period and the mean log level over the base, too, nan without one.
        """
        periods, replicates, parents, _ = self.levels.shape
        shape = (replicates, parents)
        reached = self.anchored.any(axis=3) & base[:, None, None]
        has_base = reached.any(axis=0)
        anchor = np.where(has_base, reached.argmax(axis=0), periods)
        course = self._empty_course(with_movements=with_movements)
        start = self._start(anchor, shape)
        in_base = np.flatnonzero(base)
        if len(in_base) == 0:
            return Parents(course.level, course.share, course.before, course.after), start, np.full(shape, np.nan)
        later = [(int(t), anchor < t) for t in range(int(in_base[0]), int(in_base[-1]) + 1)]
        start = self._joined(start, later, None)
        earlier = [(t, anchor > t) for t in range(int(in_base[-1]) - 1, -1, -1)]
        earlier = [(t, moves & has_base) for t, moves in earlier]
        start = self._joined(start, earlier, course)
        state = start.copy()
        for t in range(int(in_base[0]), periods):
            self._step(t, state, anchor <= t, course, backwards=False, first=anchor == t)
        logs = np.log(course.level[base])
        there = np.isfinite(logs)
        total, count = np.where(there, logs, 0.0).sum(axis=0), there.sum(axis=0)
        base_logs = np.divide(total, count, where=count > 0, out=np.full(shape, np.nan))
        return self._scaled(course, base_logs), state, base_logs

    def continued(self, before: _State, base_logs: Floats, *, with_movements: bool) -> tuple[Parents, _State]:
        """Step from the state before the first period to the end; return the state after it, too."""
        state, course = before.copy(), self._empty_course(with_movements=with_movements)
        begun = np.isfinite(base_logs)
        for t in range(len(self.levels)):
            self._step(t, state, begun, course, backwards=False)
        return self._scaled(course, base_logs), state

    def _empty_course(self, *, with_movements: bool) -> _Course:
        shape = self.levels.shape
        return _Course(
            np.full(shape[:3], np.nan),
            np.full(shape[:3], np.nan),
            np.full(shape, np.nan) if with_movements else None,
            np.full(shape, np.nan) if with_movements else None,
        )

    @staticmethod
    def _scaled(course: _Course, base_logs: Floats) -> Parents:
        """Course with index 100 = geometric mean over the base."""
        index = 100.0 * course.level * np.exp(-base_logs)
        return Parents(index, course.share, course.before, course.after)

    def _start(self, anchor: Integers, shape: tuple[int, int]) -> _State:
        """State in each parent's first base period."""
        children = self.levels.shape[3]
        state = _State(
            np.full((*shape, children), np.nan),
            np.full((*shape, children), _NOT_BEGUN),
            np.full((*shape, children), np.nan),
            np.ones(shape),
        )
        for t in np.unique(anchor[anchor < len(self.levels)]):
            self._step(int(t), state, anchor == t, None, backwards=False)
        return state

    def _joined(self, start: _State, steps: Iterable[tuple[int, Booleans]], course: _Course | None) -> _State:
        """Step from the start; a child that begins later has moved with the parent until then."""
        state, joined = start.copy(), start.copy()
        for t, active in steps:
            new = np.isnan(state.levels)
            entered = self._step(t, state, active, course, backwards=True) & new
            if entered.any():
                factor = (start.parent / state.parent)[:, :, None]
                joined.levels = np.where(entered, state.levels * factor, joined.levels)
                joined.segments = np.where(entered, state.segments, joined.segments)
                joined.scales = np.where(entered, state.scales, joined.scales)
        return joined

    def _step(
        self,
        t: int,
        state: _State,
        active: Booleans,
        course: _Course | None,
        *,
        backwards: bool,
        first: Booleans | None = None,
    ) -> Booleans:
        """Move the active parents to a period; returns the mask of children that enter at it."""
        w, before, today, segment = self.weights, state.levels, self.levels[t], self.segments[t]
        on = active[:, :, None]
        begun, present = ~np.isnan(before) & on, (segment >= 0) & on
        stays = present & (segment == state.segments)
        scaled = present & ~stays & self.anchored[t]
        joins = present & ~stays & ~scaled
        scaled_today = np.where(stays, state.scales * today, 0.0)
        kept = np.where(stays, before, 0.0)
        any_stays = stays.any(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            movement = (w * scaled_today).sum(axis=2) / (w * kept).sum(axis=2)
            if (only_scaled := ~any_stays & scaled.any(axis=2)).any():
                was = np.where(begun.any(axis=2), self._mean(before, begun), 1.0)
                movement = np.where(only_scaled, self._mean(today, scaled) / was, movement)
        moves = any_stays | only_scaled
        linked = moves[:, :, None]
        state.parent = np.where(moves, state.parent * movement, state.parent)
        after = np.where(
            stays, scaled_today, np.where(begun & ~present & linked, before * movement[:, :, None], before)
        )
        part = (begun & ~scaled & ~joins & any_stays[:, :, None]) if course is not None else None
        entered_scaled = scaled & linked
        levels = np.where(entered_scaled, today, after)
        scales = np.where(entered_scaled, 1.0, state.scales)
        entered_joins = joins & linked
        if entered_joins.any():
            there = ~entered_joins & ~np.isnan(levels)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = self._mean(levels, there)[:, :, None]
            levels = np.where(entered_joins, mean, levels)
            scales = np.where(entered_joins, levels / today, scales)
        entered = entered_scaled | entered_joins
        if course is not None and part is not None:
            course.store(t, moves, state.parent, self._share(t, levels, moves))
            if not backwards and first is not None:
                part = part & ~first[:, :, None]
            course.store_movement(t, part, before, after, backwards=backwards)
        state.levels, state.scales = levels, scales
        state.segments = np.where(entered, segment, state.segments)
        return entered

    def _mean(self, levels: Floats, chosen: Booleans) -> Floats:
        weights = np.where(chosen, self.weights, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean: Floats = np.where(chosen, weights * levels, 0.0).sum(axis=2) / weights.sum(axis=2)
        return mean

    def _share(self, t: int, levels: Floats, moves: Booleans) -> Floats:
        value = np.where(np.isnan(levels), 0.0, self.weights * levels)
        imputed = np.where(self.segments[t] >= 0, self.shares[t][None], 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.minimum((value * imputed).sum(axis=2) / value.sum(axis=2), 1.0)
        return np.where(moves, share, np.nan)


@dataclass
class _Course:
    """Course of the parents over the periods."""

    level: Floats
    share: Floats
    before: Floats | None
    after: Floats | None

    def store(self, t: int, moves: Booleans, level: Floats, share: Floats) -> None:
        self.level[t] = np.where(moves, level, self.level[t])
        self.share[t] = np.where(moves, share, self.share[t])

    def store_movement(self, t: int, part: Booleans, before: Floats, after: Floats, *, backwards: bool) -> None:
        """Store both sides of a movement in its later period; a step backwards to t is the movement to t+1."""
        if self.before is None or self.after is None:
            return
        to = t + 1 if backwards else t
        earlier, later = (after, before) if backwards else (before, after)
        self.before[to] = np.where(part, earlier, self.before[to])
        self.after[to] = np.where(part, later, self.after[to])
