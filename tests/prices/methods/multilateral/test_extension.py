"""Windows and splices: formulas from the definition, conventions and gaps. Drift is in `test_revision`."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from ons_bigdata.prices.methods.multilateral.splicing import (
    ON_PREVIOUS,
    ON_PUBLISHED,
    Extension,
    extended_levels,
)
from ons_bigdata.prices.methods.multilateral.windows import WindowLevels, overlap_components

quickly = settings(max_examples=30, deadline=None)


def windows(calendar, seed=0, empty=(), parts=None):
    """Levels that differ from window to window, as if a method had made them; `empty` periods have no product."""

    def window_of(first: int, stop: int) -> WindowLevels:
        levels = np.random.default_rng([seed, first, stop]).normal(size=stop - first)
        labels = np.array([-1 if t in empty else (parts or {}).get(t, 0) for t in range(first, stop)])
        return WindowLevels(calendar, first, np.where(labels < 0, np.nan, levels)[:, None], labels[:, None], {})

    return window_of


def extended(periods, *, seed=0, empty=(), parts=None, **extension):
    calendar = list(range(100, 100 + periods))
    return levels_or_reasons(windows(calendar, seed, empty, parts), calendar, Extension(**extension))


def levels_or_reasons(window_of, calendar, extension):
    """Log level of each period of the only replicate, or the reason why there is none."""
    levels, reasons = extended_levels(window_of, calendar, extension)
    assert [reason is None for reason in reasons] == np.isfinite(levels[:, 0]).tolist()
    return [level if reason is None else reason for level, reason in zip(levels[:, 0].tolist(), reasons, strict=True)]


def by_definition(periods: int, window: int, seed: int, splice: str, half: int) -> list[float]:
    """Write the splices out, without gaps; `half` counts from the start of the new window."""
    level = windows(range(periods), seed)

    def new(t, k):  # log change from k to t in the window that ends in t
        return level(t - window + 1, t + 1).log_levels[window - 1, 0] - at(t, k)

    def at(t, k):
        return level(t - window + 1, t + 1).log_levels[k - (t - window + 1), 0]

    first = level(0, window).log_levels[:, 0]
    p = [float(first[t] - first[0]) for t in range(window)]
    for t in range(window, periods):
        overlap = range(t - window + 1, t)
        name = splice.removesuffix("_published")
        links = {"movement": [t - 1], "window": [overlap[0]], "half": [overlap[0] + half], "mean": overlap}[name]
        if splice.endswith("_published"):
            p.append(float(np.mean([p[k] + new(t, k) for k in links])))
        else:
            p.append(float(np.mean([p[t - 1] + new(t, k) - (at(t - 1, t - 1) - at(t - 1, k)) for k in links])))
    return p


# --- formulas ---


@quickly
@given(st.sampled_from([*ON_PREVIOUS, *ON_PUBLISHED]), st.integers(3, 7), st.integers(0, 12), st.integers(0, 999))
def test_splices_agree_with_their_definition(splice, window, more, seed):
    for position, half in (("new_window", (window - 1) // 2), ("old_window", math.ceil(window / 2) - 2)):
        expected = by_definition(window + more, window, seed, splice, half)
        computed = extended(window + more, seed=seed, splice=splice, window=window, half_position=position)
        assert computed == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_the_window_splice_by_hand():
    # Windows of 3. Old, periods 0-2: 0, 1, 4. New, periods 1-3: 0, 2, 7. Link period 1:
    # P_3 = P_2 + (new_3 - new_1) - (old_2 - old_1) = 4 + 7 - 3 = 8. On the published: P_1 + 7 = 8, the same only here,
    # where P_2 - P_1 comes from the old window. Movement: P_2 + 7 - 2 = 9. Mean: 8.5.
    tables = {(0, 3): [0.0, 1.0, 4.0], (1, 4): [0.0, 2.0, 7.0]}

    def window_of(first, stop):
        return WindowLevels("abcd", first, np.array(tables[first, stop])[:, None], np.zeros((3, 1), dtype=np.int64), {})

    computed = {s: levels_or_reasons(window_of, "abcd", Extension(s, 3))[3] for s in ("window", "movement", "mean")}
    assert computed == {"window": 8.0, "movement": 9.0, "mean": 8.5}
    rebased = levels_or_reasons(window_of, "abcd", Extension("window", 3, first_value="window_end"))
    assert rebased == [-4.0, -3.0, 0.0, 4.0]


@pytest.mark.parametrize(("window", "new_window", "old_window"), [(13, 6, 5), (10, 4, 3), (25, 12, 11)])
def test_half_positions(window, new_window, old_window):
    for position, half in (("new_window", new_window), ("old_window", old_window)):
        computed = extended(window + 3, splice="half", window=window, half_position=position)
        assert computed == pytest.approx(by_definition(window + 3, window, 0, "half", half), rel=1e-12)


def test_fixed_bases_link_each_period_to_the_last_base_before_it():
    level = windows(range(30))

    def change(first, base, t):
        return float(level(first, t + 1).changes(np.array([base]), t)[0, 0])

    bases = (4, 16, 28)
    expanding = extended(30, splice="fixed_base_expanding", expanding="fbew_december", bases=bases)
    assert expanding[3] == change(0, 0, 3)
    assert expanding[4] == change(0, 0, 4)
    assert expanding[16] == pytest.approx(expanding[4] + change(4, 4, 16))
    assert expanding[20] == pytest.approx(expanding[16] + change(16, 16, 20))
    moving = extended(30, splice="fixed_base_moving", window=13, bases=bases)
    assert moving[12] == change(0, 0, 12)
    assert moving[16] == pytest.approx(moving[4] + change(4, 4, 16))
    assert moving[20] == pytest.approx(moving[16] + change(8, 16, 20))
    by_window = extended(30, splice="fixed_base_expanding", expanding="fbew_window", window=13)
    assert by_window[:13] == moving[:13]
    assert by_window[24] == pytest.approx(by_window[12] + change(12, 12, 24))
    assert by_window[25] == pytest.approx(by_window[24] + change(24, 24, 25))


def test_one_window_over_everything():
    level = windows(range(6))(0, 6).log_levels[:, 0]
    assert extended(6) == pytest.approx(list(level - level[0]))
    assert extended(6, first_value="window_end") == pytest.approx(list(level - level[5]))


# --- gaps: null with a reason, and no shift ---


@pytest.mark.parametrize("splice", [*ON_PREVIOUS, *ON_PUBLISHED])
def test_an_empty_period_is_null_and_the_series_continues(splice):
    computed = extended(16, splice=splice, window=5, empty={8})
    assert computed[8] == "no product in period 108"
    nulls = [t for t, level in enumerate(computed) if isinstance(level, str)]
    # A splice on one period has no link where that period is the empty one. On the published series the null goes on.
    links = {"window": [12], "window_published": [12], "half": [10], "half_published": [10, 12, 14]}.get(splice, [])
    assert nulls == [8, *links]
    for t in links:
        assert "no product in period 108" in computed[t]


def test_the_anchor_is_the_last_period_with_an_index():
    # Period 4 is empty, so that period 5 links over it: the window ending in 5 with that ending in 3.
    level = windows(range(7))
    old, new = level(0, 4), level(2, 6)
    computed = extended(7, splice="mean", window=4, empty={4})
    shared = np.array([2, 3])
    links = computed[3] - old.changes(shared, 3) + new.changes(shared, 5)
    assert computed[5] == pytest.approx(np.mean(links))
    movement = extended(7, splice="movement", window=4, empty={4})
    assert movement[5] == pytest.approx(movement[3] + new.changes(shared, 5)[1, 0])


@pytest.mark.parametrize("splice", ["movement", "mean", "mean_published"])
def test_a_gap_as_long_as_the_window_ends_the_series(splice):
    computed = extended(12, splice=splice, window=3, empty={5, 6, 7})
    assert [isinstance(level, float) for level in computed] == [True] * 5 + [False] * 7
    assert all(level for level in computed[5:])


def test_an_unlinked_part_is_never_1():
    parts = dict.fromkeys(range(4, 9), 1)
    assert extended(9, parts=parts)[4:] == [
        f"no chain of shared products links period {100 + t} to 100" for t in range(4, 9)
    ]
    assert extended(9, empty={0}) == ["no product in period 100"] * 9


def test_a_base_outside_of_the_window_is_named():
    computed = extended(9, splice="fixed_base_moving", window=3, bases=(1,))
    assert computed[3] != computed[4]
    assert isinstance(computed[3], float)
    assert computed[4] == "period 101 is not in the window from 102"
    assert extended(5, splice="fixed_base_moving", window=3)[3] == "no base before period 103"


def test_components():
    overlap = np.eye(6)
    overlap[0, 3] = overlap[3, 0] = overlap[3, 5] = overlap[5, 3] = 2
    overlap[2, 2] = 0
    chain = np.ones((6, 6)) * (abs(np.subtract.outer(range(6), range(6))) < 2)
    computed = overlap_components(np.stack([overlap, chain, np.ones((6, 6))], axis=2))
    assert computed.T.tolist() == [[0, 1, -1, 0, 4, 0], [0] * 6, [0] * 6]


FIXED = [
    {"splice": "fixed_base_moving", "window": 4, "bases": (0, 3, 6)},
    {"splice": "fixed_base_expanding", "expanding": "fbew_december", "bases": (2, 5)},
    {"splice": "fixed_base_expanding", "expanding": "fbew_window", "window": 4},
]


@quickly
@given(
    st.sampled_from([{"splice": splice, "window": 4} for splice in (*ON_PREVIOUS, *ON_PUBLISHED)] + FIXED),
    st.lists(st.sets(st.integers(0, 9), max_size=4), min_size=2, max_size=4),
    st.integers(0, 999),
)
def test_replicates_extended_together_are_those_extended_alone(extension, empty, seed):
    alone = [windows(range(10), seed + n, periods) for n, periods in enumerate(empty)]

    def together(first: int, stop: int) -> WindowLevels:
        each = [of_one(first, stop) for of_one in alone]
        levels, components = ([getattr(one, name)[:, 0] for one in each] for name in ("log_levels", "components"))
        return WindowLevels(range(10), first, np.stack(levels, axis=1), np.stack(components, axis=1), {})

    levels, reasons = extended_levels(together, range(10), Extension(**extension))
    expected = [extended_levels(of_one, range(10), Extension(**extension)) for of_one in alone]
    np.testing.assert_array_equal(levels, np.hstack([of_one for of_one, _ in expected]))
    assert reasons == expected[0][1]


# --- the fixed bases, from quotes ---

COLUMNS = ["period", "product", "price", "quantity"]


def fisher(quotes: pl.DataFrame, **options) -> list[float | None]:
    return multilateral_index(quotes, "geks_fisher", quantity="quantity", **options)["index"].to_list()


def test_base_periods_may_be_given():
    rows = [(t, n, 1.0 + (t * k) % 5, 1.0 + (t + k) % 3) for t in range(9) for k, n in enumerate("abc", 1)]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    options = {"splice": "fixed_base_expanding", "expanding": "fbew_december", "base_periods": [4]}
    computed = fisher(quotes, **options)
    later = fisher(quotes.filter(pl.col("period") >= 4))
    assert computed[8] == pytest.approx(computed[4] * later[-1], rel=1e-12)
    assert computed[4] == pytest.approx(fisher(quotes.filter(pl.col("period") <= 4))[-1], rel=1e-12)


def test_the_bases_are_the_decembers():
    months = [date(2019 + m // 12, m % 12 + 1, 28) for m in range(20)]
    rows = [(day, n, 1.0 + (t * k) % 5, 1.0 + (t + k) % 3) for t, day in enumerate(months) for k, n in enumerate("abc")]
    quotes = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    options = {"splice": "fixed_base_expanding", "expanding": "fbew_december", "calendar": months}
    by_default = fisher(quotes, **options)
    assert by_default == fisher(quotes, base_periods=[months[11]], **options)
    assert by_default != fisher(quotes, base_periods=[months[12]], **options)
