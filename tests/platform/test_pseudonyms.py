"""Pseudonyms: the documented formula, keys and their files, and that no message holds a key."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.pseudonyms import PseudonymKey, make_key, pseudonyms, read_key

KEY = PseudonymKey(bytes(range(32)))
HEX = bytes(range(32)).hex()


def test_a_pseudonym_is_the_head_of_an_hmac() -> None:
    digest = hmac.new(KEY.secret, b"tweets\x0012345", hashlib.sha256).digest()
    expected = int.from_bytes(digest[:8], "big", signed=True)
    assert pseudonyms(pl.Series("user", [12345]), source="tweets", key=KEY).to_list() == [expected]
    assert pseudonyms(pl.Series("user", ["12345", None]), source="tweets", key=KEY).to_list() == [expected, None]


def test_order_repeats_and_nulls_are_kept() -> None:
    ids = pl.Series("meter", ["b", "a", None, "b", "a", ""])
    result = pseudonyms(ids, source="meters", key=KEY)
    assert result.dtype == pl.Int64
    assert result.name == "meter"
    assert result.is_null().to_list() == ids.is_null().to_list()
    assert result[0] == result[3] != result[1] == result[4] != result[5]


def test_source_and_key_make_other_pseudonyms() -> None:
    ids = pl.Series(["a", "b"])
    tables = [
        pseudonyms(ids, source="meters", key=KEY),
        pseudonyms(ids, source="phones", key=KEY),
        pseudonyms(ids, source="meters", key=PseudonymKey(bytes(32))),
    ]
    assert len({value for table in tables for value in table}) == 6


def test_floats_are_refused() -> None:
    with pytest.raises(ValueError, match="identifiers are Float64; expected text or integers"):
        pseudonyms(pl.Series([1.0]), source="meters", key=KEY)


def test_a_made_key_is_read_again_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "pseudonyms"
    made = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(None, path) == made
    assert read_key(HEX.upper() + "\n", path) == KEY
    with pytest.raises(InputError, match=r"there is a pseudonym key at .* already"):
        make_key(path)


def test_the_key_id_names_the_key_and_does_not_show_it() -> None:
    assert KEY.key_id != PseudonymKey(bytes(32)).key_id
    assert KEY.key_id not in HEX
    assert HEX[:8] not in repr(KEY)


@pytest.mark.parametrize("text", ["", HEX[:-1], HEX[:-1] + "g", HEX + "00"])
def test_a_malformed_key_is_refused_without_being_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected 64 hex digits") as refused:
        read_key(text, tmp_path / "none")
    assert HEX[:16] not in str(refused.value)


def test_no_key_or_a_readable_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms"
    with pytest.raises(InputError, match="no pseudonym key: expected a file"):
        read_key(None, path)
    path.write_text(HEX)
    path.chmod(0o640)
    with pytest.raises(InputError, match="has mode 0640; expected 0600"):
        read_key(None, path)
