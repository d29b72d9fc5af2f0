"""Periods written as text: forms that are read, their order, and text that is refused with the reason."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.aggregation import (
    aggregate,
    chain,
    contributions,
    link_series,
    rates,
    rebased,
    unchain,
)
from ons_bigdata.prices.methods.bilateral import axioms_violated, bilateral_index, bilateral_indicator
from ons_bigdata.prices.methods.bilateral.decomposition import bilateral_decomposition
from ons_bigdata.prices.methods.multilateral import multilateral_index, window_revision
from ons_bigdata.prices.methods.multilateral.decomposition import geks_decomposition
from ons_bigdata.prices.methods.panels import impute_prices, product_definition_scores
from ons_bigdata.prices.methods.panels.period_texts import FORMS, dated_texts, numbered_texts, why_unsorted
from ons_bigdata.prices.methods.quality import relative_filter

REFUSED = {
    ("9", "10", "11"): r"period '9' is a number with fewer digits than '10'.*; expected leading zeros, as '09'",
    ("1", "01"): "period '1' is a number with fewer digits than '01'",
    ("M9", "M10"): "expected leading zeros, as 'M09'",
    ("W9", "W10"): "expected leading zeros, as 'W09'",
    ("week 9", "week 10"): "expected leading zeros, as 'week 09'",
    ("P9", "P10"): "expected leading zeros, as 'P09'",
    ("wave_9", "wave_10"): "expected leading zeros, as 'wave_09'",
    ("9", "10", "x"): "period '10' is text whose order in time is not known",
    ("2020.9", "2020.10"): r"'2020\.9' is a month or week without its leading zero",
    ("2020_9", "2020_10"): "'2020_9' is a month or week without its leading zero",
    ("2020M9", "2020M10"): "'2020M9' is a month or week without its leading zero",
    ("2020.1.9", "2020.1.10"): r"'2020\.1\.10' is a day without its leading zeros",
    ("31-Jan-2020", "28-Feb-2020"): "'28-Feb-2020' is a named month",
    ("Mar 1, 2020", "Apr 1, 2020"): "'Apr 1, 2020' is a named month",
    ("9 May 2020", "10 May 2020"): "'10 May 2020' is a named month",
    ("Dec-19", "Jan-20"): "'Dec-19' is a named month",
    ("2019-Dec", "2020-Jan"): "'2019-Dec' is a named month",
    ("Q4-19", "Q1-20"): "'Q1-20' is written with a year of two digits",
    ("19Q4", "20Q1"): "'19Q4' is written with a year of two digits",
    ("4Q2019", "1Q2020"): "'1Q2020' is written with its year last",
    ("H2 2019", "H1 2020"): "'H1 2020' is written with its year last",
    ("week 52 2019", "week 01 2020"): "'week 01 2020' is written with its year last",
    ("12.2019", "01.2020"): r"'01\.2020' is written with its year last",
    ("01-12-19", "01-01-20"): "'01-01-20' is written with a year of two digits",
    ("19-12", "20-01"): "'19-12' is written with a year of two digits",
    ("122019", "012020"): "'012020' may be a date, with its year last or of two digits",
    ("31122019", "01012020"): "'01012020' may be a date",
    ("1219", "0120"): "'0120' may be a date",
    ("311219", "010120"): "'010120' may be a date",
    ("Q42019", "Q12020"): "'Q12020' is written with its year last",
    ("H22019", "H12020"): "'H12020' is written with its year last",
    ("T42019", "T12020"): "'T12020' may be a date, with its year last",
    ("42019", "12020"): "'12020' may be a date",
    ("W522019", "W012020"): "'W012020' may be a date",
    ("week 522019", "week 012020"): "'week 012020' may be a date",
    ("522019", "012020"): "'012020' may be a date",
    ("Q419", "Q120"): "'Q120' is written with a year of two digits",
    ("H219", "H120"): "'H120' is written with a year of two digits",
    ("W5219", "W0120"): "'W0120' may be a date",
    ("Q994", "Q001"): "'Q001' may be a date",
    ("w9952", "w0001"): "'w0001' may be a date",
    ("2020-01", "2020-02", "x"): "period 'x' is text whose order in time is not known",
    ("2019-52", "2020-01"): r"'2019-52' is no month \(01 to 12\) and no year into the next; .* a week as 2020-W33",
    ("2020/21", "2020/22"): r"'2020/22' is no month \(01 to 12\) and no year into the next",
    ("2010/11", "2011/12"): "read both as months and as years into the next",
    ("2020-01 ", "2020-02"): "'2020-01 ' is text with blanks at its ends",
    ("2020-01", "2020-02\xa0"): r"'2020-02\\xa0' is text with blanks at its ends",
    ("", "2020-01"): "period '' is empty",
    ("2019-02-29", "2019-03-01"): "'2019-02-29' is no day of the calendar",
    ("2019-W53", "2020-W01"): "'2019-W53' is no week of that year",
    ("2019-01", "2019-Q2"): "periods '2019-01' and '2019-Q2' are written in several ways",
    ("2020-01", "2020/02"): "are written in several ways",
    ("2020-01-02T9:00", "2020-01-02T10:00"): "is a date with a time of day, which differs",
    ("before", "after"): "period 'after' is text whose order in time is not known",
    ("1st", "2nd"): "period '1st' is text whose order in time is not known",
    ("week 09", "Week 10"): "period 'Week 10' is text whose order in time is not known",
    ("A", "b"): "period 'A' is text whose order in time is not known",
    ("\u0663", "\u0664"): "is text whose order in time is not known",
    ("1.5", "10.5"): r"'1\.5' is written with a year of two digits, or no whole number",
    ("-1", "-2"): "'-1' is a number with a sign",
    ("t-2", "t-1"): "'t-1' is a number with a sign",
    ("W51", "W52", "W01"): "periods 'W01' and 'W52' have no year and may be of two",
    ("Q4", "Q1"): "have no year and may be of two",
}  # fmt: skip
"""Texts in the order of time that text does not have, or may not have; and the reason."""


def frames(periods, dtype=pl.String):
    """Quotes of a product, and index series of a node, which double in each period."""
    values = [2.0**n for n in range(len(periods))]
    quotes = pl.DataFrame({"period": pl.Series(periods, dtype=dtype), "product": "a", "price": values, "quantity": 1.0})
    return quotes, quotes.select("period", node="product", index="price")


@pytest.mark.parametrize("periods", REFUSED, ids=str)
def test_text_that_does_not_sort_in_time_is_refused_with_the_reason(periods):
    assert why_unsorted(periods) is not None
    quotes, indices = frames(list(periods))
    for compute in (lambda: bilateral_index(quotes, "jevons"), lambda: rebased(indices, [periods[0]])):
        with pytest.raises(ValueError, match=REFUSED[periods]):
            compute()
    with pytest.raises(ValueError, match=r"or the order itself: a pl\.Enum of the periods, or `calendar`"):
        bilateral_index(quotes, "jevons")


WEIGHTS, TREE = (
    pl.DataFrame({"node": ["a"], "weight": [1.0]}),
    pl.DataFrame({"node": ["a", "all"], "parent": ["all", None]}),
)
ORDERED = {
    "bilateral_index": lambda quotes, _: bilateral_index(quotes, "jevons"),
    "bilateral_indicator": lambda quotes, _: bilateral_indicator(quotes, "bennet"),
    "multilateral_index": lambda quotes, _: multilateral_index(quotes, "geks_jevons"),
    "window_revision": lambda quotes, _: window_revision(quotes, "geks_jevons", window=2, splice="movement"),
    "impute_prices": lambda quotes, _: impute_prices(quotes, "interpolate"),
    "relative_filter": lambda quotes, _: relative_filter(quotes),
    "axioms_violated": lambda quotes, _: axioms_violated(lambda q: bilateral_index(q, "jevons"), quotes),
    "product_definition_scores": lambda quotes, _: product_definition_scores(quotes, ["product"], "9", "10"),
    "aggregate": lambda _, indices: aggregate(indices, WEIGHTS, TREE),
    "contributions": lambda _, indices: contributions(
        indices.with_columns(
            link=pl.lit("9"), parent=pl.lit("all"), link_index=1.0, weight=1.0, mean=pl.lit("arithmetic")
        ), "all",
    ),
    "rates": lambda _, indices: rates(indices, 1),
    "rebased": lambda _, indices: rebased(indices, ["9"]),
    "link_series": lambda _, indices: link_series(indices[:1], indices, node="node"),
    "unchain": lambda _, indices: unchain(indices, ["9"]),
    "chain": lambda _, indices: chain(indices.with_columns(link=pl.lit("9"))),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERED)
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical], ids=str)
def test_every_method_refuses_it(name, dtype):
    quotes, indices = frames(["9", "10"], dtype)
    if dtype == pl.Categorical and name in ("contributions", "chain"):
        indices = indices.cast({"period": pl.String})  # as the link
    with pytest.raises(ValueError, match="period '9' is a number with fewer digits than '10'"):
        ORDERED[name](quotes, indices)
    with pytest.raises(ValueError, match=r"Binary, which does not sort in time|is Binary|is String, expected Binary"):
        ORDERED[name](*frames([b"9", b"10"], pl.Binary))


def test_two_series_have_one_order_together():
    earlier, later = (frames(periods)[1].drop("node") for periods in (["8", "9"], ["10", "11"]))
    with pytest.raises(ValueError, match="earlier and later: period '8' is a number with fewer digits than '10'"):
        link_series(earlier, later)


def test_where_the_order_does_not_matter_any_text_will_do():
    quotes, _ = frames(["before", "after"])
    for formula, periods in (("jevons", ("before", "after")), ("jevons", ("after", "before"))):
        factor = bilateral_decomposition(quotes, formula, *periods)["factor"].item()
        assert factor == pytest.approx(2.0 if periods[1] == "after" else 0.5)
        assert geks_decomposition(quotes, formula, *periods)["factor"].item() == pytest.approx(factor)
    assert why_unsorted(["base"]) is None  # one period has no order


@pytest.mark.parametrize(
    ("texts", "calendar"),
    [
        (["09", "11"], ["09", "10", "11"]),
        (["W09", "W11"], ["W09", "W10", "W11"]),
        (["week 09", "week 12"], ["week 09", "week 10", "week 11", "week 12"]),
        (["1", "3"], ["1", "2", "3"]),
        (["FY2019", "FY2021"], ["FY2019", "FY2020", "FY2021"]),
        (["2019.11", "2019.12", "2020.02"], ["2019.11", "2019.12", "2020.01", "2020.02"]),
        (["2019_11", "2019_12", "2020_02"], ["2019_11", "2019_12", "2020_01", "2020_02"]),
        (["2019m11", "2019m12", "2020m02"], ["2019m11", "2019m12", "2020m01", "2020m02"]),
        (["2019-H2", "2020-H2"], ["2019-H2", "2020-H1", "2020-H2"]),
        (["2018/19", "2020/21"], ["2018/19", "2019/20", "2020/21"]),
        (["2018-19", "2020-21"], ["2018-19", "2019-20", "2020-21"]),
        (["2008/2009", "2010/2011"], ["2008/2009", "2009/2010", "2010/2011"]),
        (["1998/99", "2000/01"], ["1998/99", "1999/00", "2000/01"]),
        (["2019.12.30", "2019.12.31", "2020.01.02"], ["2019.12.30", "2019.12.31", "2020.01.01", "2020.01.02"]),
        (["2020-365", "2020-366", "2021-002"], ["2020-365", "2020-366", "2021-001", "2021-002"]),
        (["2019-12-30 00:00:00", "2019-12-31 00:00:00", "2020-01-02 00:00:00"],
         ["2019-12-30 00:00:00", "2019-12-31 00:00:00", "2020-01-01 00:00:00", "2020-01-02 00:00:00"]),
        (["2019-11-01T00:00Z", "2019-12-01T00:00Z", "2020-02-01T00:00Z"],
         ["2019-11-01T00:00Z", "2019-12-01T00:00Z", "2020-01-01T00:00Z", "2020-02-01T00:00Z"]),
    ],
    ids=str,
)  # fmt: skip
def test_text_is_read_as_what_it_is_with_its_step(texts, calendar):
    quotes, indices = frames(texts)
    table = bilateral_index(quotes, "jevons", "previous_period")
    assert table["period"].to_list() == calendar
    assert impute_prices(quotes, "interpolate")["period"].to_list() == calendar
    assert rates(indices, len(calendar) - 1).select("against", "period").rows() == [(calendar[0], calendar[-1])]


@pytest.mark.parametrize(
    "texts", [["a", "b", "c"], ["M201912", "M202001"], ["2020-01-01T09:00", "2020-01-01T10:00"]], ids=str
)
def test_text_of_an_order_without_a_step_needs_a_calendar_where_the_step_matters(texts):
    quotes, indices = frames(texts)
    assert bilateral_index(quotes, "jevons")["period"].to_list() == texts
    assert rebased(indices, texts[0])["period"].to_list() == texts
    for compute in (
        lambda calendar: bilateral_index(quotes, "jevons", "chained", calendar=calendar),
        lambda calendar: impute_prices(quotes, "interpolate", calendar=calendar),
        lambda calendar: relative_filter(quotes, calendar=calendar),
        lambda calendar: rates(indices, 1, calendar=calendar),
    ):
        with pytest.raises(ValueError, match=f"calendar is missing: the periods, as '{texts[0]}', read neither as"):
            compute(None)
        assert not compute(texts).is_empty()


@settings(max_examples=40)
@given(st.sampled_from(FORMS), st.lists(st.dates(date(1800, 1, 1), date(2198, 12, 31)), min_size=2, max_size=6))
def test_texts_of_a_form_sort_in_time(form, days):
    whole = dated_texts([form.template.format(year=2020, month=12, day=31, ordinal=366, quarter=4, half=2, week=53,
                                              next=2021 if "next:04" in form.template else 21)])  # fmt: skip
    texts = [whole.write(day) for day in days]
    read = dated_texts(texts)
    assert sorted(set(texts)) == list(dict.fromkeys(text for _, text in sorted(zip(read.days, texts, strict=True))))
    assert [read.write(day) for day in read.days] == texts


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.sampled_from(["", "P", "week ", "t_", "run-"]))
def test_numbers_of_one_length_sort_and_others_are_refused(numbers, prefix):
    texts = [f"{prefix}{number}" for number in numbers]
    if (read := numbered_texts(texts)) is not None:
        assert [read.write(number) for number in read.numbers] == texts
    if why_unsorted(texts) is None and len(set(texts)) > 1:
        assert [int(text.removeprefix(prefix)) for text in sorted(set(texts))] == sorted(set(numbers))


def test_a_week_without_a_year_counts_within_one():
    whole = [f"W{n:02}" for n in range(1, 53)]
    assert why_unsorted(whole) is None
    assert why_unsorted(whole[8:11]) is None
    assert why_unsorted([*whole[:2], *whole[-2:]]) is not None


# --- an order that is given ---

ANY_TEXT = [
    ["week 9", "week 10", "week 11"],
    ["Jan", "Feb", "Mar"],
    ["W51", "W52", "W01"],
    ["before", "between", "after"],
    ["Q4 2019", "Q1 2020", "Q2 2020"],
    ["2020-8", "2020-9", "2020-10"],
    ["x", "2020-01", "9"],
    ["10", "9", "8"],
]


@pytest.mark.parametrize("texts", ANY_TEXT, ids=str)
@pytest.mark.parametrize("kind", ["text", "Categorical", "Enum", "Enum and calendar"])
def test_a_calendar_or_an_enum_is_the_order_of_any_text(texts, kind):
    dtype = {"text": pl.String, "Categorical": pl.Categorical}.get(kind, pl.Enum(texts))
    calendar = {} if kind == "Enum" else {"calendar": texts}
    quotes, indices = frames(texts, dtype)
    quotes, indices = quotes.reverse(), indices.reverse()
    spliced = {"window": 2, "splice": "movement"}
    for table in (
        bilateral_index(quotes, "jevons", "chained", **calendar),
        multilateral_index(quotes, "geks_jevons", **calendar),
        multilateral_index(quotes, "geks_jevons", **spliced, **calendar),
    ):
        assert table["period"].to_list() == texts
        assert table["index"].to_list() == pytest.approx([1.0, 2.0, 4.0])
    assert impute_prices(quotes, "carry_forward", **calendar)["period"].to_list() == texts
    assert window_revision(quotes, "geks_jevons", **spliced, **calendar)["movement"].to_list() == pytest.approx([2, 2])
    assert rates(indices, 1, **calendar).rows() == [
        ("a", texts[1], texts[0], 100.0, None), ("a", texts[2], texts[1], 100.0, None)
    ]  # fmt: skip
    kept = relative_filter(quotes, factor=1.5, **calendar)
    assert dict(kept.select("period", "kept").rows()) == {texts[0]: True, texts[1]: False, texts[2]: False}


@pytest.mark.parametrize("texts", ANY_TEXT, ids=str)
def test_an_enum_is_the_order_of_series_and_links(texts):
    _, indices = frames(texts, pl.Enum(texts))
    indices = indices.reverse()
    weights = pl.DataFrame({"node": "a", "weight": 1.0, "link": texts[:2]})  # the links as text
    whole = aggregate(indices, weights, TREE)
    assert whole.filter(node="all").select("period", "link", "index").rows() == [
        (texts[0], texts[0], 1.0), (texts[1], texts[0], 2.0), (texts[2], texts[1], 4.0)
    ]  # fmt: skip
    assert contributions(whole, "all")["contribution_to_date"].to_list() == [1.0, 3.0]
    unchained = unchain(indices, texts[:2])
    assert unchained.select("link", "period", "index").rows() == [
        (texts[0], texts[0], 100.0), (texts[0], texts[1], 200.0),
        (texts[1], texts[1], 100.0), (texts[1], texts[2], 200.0),
    ]  # fmt: skip
    assert chain(unchained, value=1.0)["index"].to_list() == [1.0, 2.0, 4.0]
    linked = link_series(indices[1:], indices[:2], node="node")
    assert linked.select("period", "index").rows() == [(texts[0], 1.0), (texts[1], 2.0), (texts[2], 4.0)]
    with pytest.raises(ValueError, match="weights: May is no period; expected links among the periods"):
        aggregate(indices, weights.with_columns(link=pl.lit("May")), TREE)


def test_series_of_text_are_unchained():
    _, indices = frames(["2020-01", "2020-02", "2020-03"])
    unchained = unchain(indices, ["2020-02"])
    assert unchained["period"].to_list() == ["2020-01", "2020-02", "2020-02", "2020-03"]
    assert chain(unchained, value=1.0)["index"].to_list() == [1.0, 2.0, 4.0]


def test_weekly_dates_are_read_in_any_form():
    days = [date(2019, 12, 30) + timedelta(days=7 * n) for n in range(3)]
    quotes, _ = frames([f"{day:%Y/%m/%d}" for day in days if day != days[1]])
    table = bilateral_index(quotes, "jevons", "chained", calendar=[f"{day:%Y/%m/%d}" for day in days])
    assert table["index"].to_list() == [1.0, None, None]
    with pytest.raises(ValueError, match="calendar: periods do not ascend"):
        bilateral_index(quotes, "jevons", calendar=[f"{day:%Y/%m/%d}" for day in reversed(days)])
