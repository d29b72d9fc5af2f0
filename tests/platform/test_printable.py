"""Names with control characters in a terminal, a report and JSON."""

from __future__ import annotations

import json
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata import rendering
from ons_bigdata.platform.printable import escape_unprintable

HOSTILE = "Milk \x1b[2J\x1b]0;owned\x07 \u202eP4.1£\u202c \x9b31m\u2028\u200b\x00"
SHOWN = r"Milk \x1b[2J\x1b]0;owned\x07 \u202eP4.1£\u202c \x9b31m\u2028\u200b\x00"


def test_by_hand() -> None:
    assert escape_unprintable(HOSTILE) == SHOWN
    assert escape_unprintable("Crème brûlée 2 × 100 g £1\xa0😀") == "Crème brûlée 2 × 100 g £1\xa0😀"
    assert escape_unprintable("a\nb\tc") == r"a\nb\tc"
    assert escape_unprintable("a\nb\tc", keep="\n") == "a\nb\\tc"


@given(st.text())
def test_nothing_invisible_is_left_and_nothing_visible_changes(text: str) -> None:
    shown = escape_unprintable(text)
    assert {unicodedata.category(character)[0] for character in shown}.isdisjoint("C")
    assert {unicodedata.category(character) for character in shown}.isdisjoint({"Zl", "Zp"})
    assert escape_unprintable(shown) == shown
    if text.isprintable() and not set(text) & set(SHAPELESS):
        assert shown == text


SHAPELESS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


@pytest.mark.parametrize("blank", SHAPELESS)
def test_letters_without_a_shape_are_shown(blank: str) -> None:
    assert escape_unprintable(f"Mi{blank}lk") == f"Mi\\u{ord(blank):04x}lk"


@pytest.mark.parametrize("output", ["table", "json"])
def test_the_output_of_a_query_shows_escapes(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    # JSON and the table have no NUL: Postgres keeps none
    name = HOSTILE.replace("\x00", "")
    rendering.rows(pl.DataFrame({name: [name], "list": [[name]]}), output)
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable()
    if output == "json":
        assert json.loads(printed) == [{name: name, "list": [name]}]


def test_messages_show_escapes_and_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    rendering.print_error(f"first\n{HOSTILE}")
    assert f"first\n{SHOWN}" in capsys.readouterr().err
