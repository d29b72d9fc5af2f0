"""Tests of addresses of existing servers: their parts, and that no secret is shown or written."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn
from pydantic import SecretStr

from ons_bigdata.platform.dagster import dbt_calls, instance
from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import database
from ons_bigdata.platform.postgres.database import parse_url
from ons_bigdata.settings import Settings

SECRET = "hunter2/ö"  # noqa: S105
URLS = [
    "postgresql://ann:hunter2%2F%C3%B6@db.example:5433/stats",
    "postgresql://ann@db.example:5433/stats?password=hunter2%2F%C3%B6",
    "postgresql://db.example/stats?user=ann&password=hunter2%2F%C3%B6&port=5433",
    "postgresql://ann@db.example:5433/stats?pass%77ord=hunter2%2F%C3%B6",
    "postgresql://ann@db.example:5433/stats?password=first&password=hunter2%2F%C3%B6",
    "postgresql://ann:other@db.example:5433/stats?password=hunter2%2F%C3%B6",
]


def parsed(text: str) -> database.DatabaseAddress:
    return parse_url(text, variable="ONS_BIGDATA_DATABASE_URL")


@pytest.mark.parametrize("text", URLS)
def test_a_password_in_the_query_is_the_password(text: str) -> None:
    address = parsed(text)
    assert address.password == SECRET
    login = parse_dsn(address.libpq())
    assert {name: login[name] for name in ("user", "password", "host", "port", "dbname")} == {
        "user": "ann",
        "password": SECRET,
        "host": "db.example",
        "port": "5433",
        "dbname": "stats",
    }
    assert parse_dsn(address.libpq(user="reader")).keys().isdisjoint({"password"})
    target = address.dbt_target()
    assert (target["user"], target["host"], target["port"], target["dbname"]) == ("ann", "db.example", 5433, "stats")


@pytest.mark.parametrize("text", [*URLS, "postgresql://ann@db.example/stats?sslpassword=hunter2"])
def test_no_secret_is_shown_or_written(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(instance.URL_VARIABLE, raising=False)
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(text))
    address = database.expected_address(settings)
    assert address.has_secret
    instance.ensure_home(settings, address)
    dbt_calls.write_profile(settings)
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"dagster.yaml", "profiles.yml"}
    shown = [str(address), repr(address), str(address.dbt_target()), *(path.read_text() for path in files)]
    assert [text for text in shown if "hunter2" in text] == []
    configured = yaml.safe_load((settings.home / "dagster" / "dagster.yaml").read_text())
    assert configured["storage"]["postgres"]["postgres_url"] == {"env": instance.URL_VARIABLE}


def test_an_unknown_parameter_is_an_error_that_shows_no_secret() -> None:
    with pytest.raises(InputError, match="found a query parameter that libpq does not know") as found:
        parsed("postgresql://ann:hunter2@db.example/stats?bogus=hunter2")
    assert "hunter2" not in str(found.value)


@pytest.mark.parametrize("text", URLS)
def test_an_error_shows_no_password(text: str, tmp_path: Path) -> None:
    unreachable = text.replace("db.example", "127.0.0.1").replace("5433", "1")
    with pytest.raises(UnavailableError, match=r"does not answer: .*refused") as caught:
        database.ensure_database(Settings(home=tmp_path / "home", database_url=SecretStr(unreachable)))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h",
        "postgresql://u:hunter2@h:70000/d",
        "postgresql://u:hunter2@h:0/d",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u@h/d?password=hunter2&port=-1",
        "postgresql://u@h/d?password=hunter2&port=x",
        "postgresql://u@h/d;password=hunter2",
        "postgresql://u@h/d;user=x;Password%20=hunter2",
        "postgresql://u@h;passwd=hunter2/d",
        "postgresql://u;password=hunter2@h/d",
        "postgresql://u@h/password=hunter2",
        "hunter2://u@h/d",
        "mysql://u@h/hunter2",
    ],
)
def test_a_malformed_url_is_refused_and_not_shown(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ONS_BIGDATA_DATABASE_URL: expected postgresql://user@host") as caught:
        database.ensure_database(Settings(home=tmp_path / "home", database_url=SecretStr(text)))
    assert "hunter2" not in str(caught.value)


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(user=words, password=words, name=words)
def test_every_password_in_the_query_is_read_and_hidden(user: str, password: str, name: str) -> None:
    quoted = {key: quote(value, safe="") for key, value in (("u", user), ("p", f"§{password}§"), ("d", name))}
    address = parsed(f"postgresql://{quoted['u']}@h:1/{quoted['d']}?password={quoted['p']}")
    login = parse_dsn(address.libpq())
    assert (login["user"], login["password"], login["dbname"]) == (user, f"§{password}§", name)
    assert f"§{password}§" not in str(address)
    assert quoted["p"] not in str(address)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("sslmode=nonsense", "sslmode: found 'nonsense', expected one of disable, allow, prefer"),
        ("sslmode=verify_full", "did you mean 'verify-full'"),
        ("sslmode=REQUIRE", "sslmode: found 'REQUIRE'"),
        ("sslmode=require&sslmode=x", "sslmode: found 'x'"),
        ("gssencmode=on", "gssencmode: found 'on'"),
        ("channel_binding=yes", "channel_binding: found 'yes'"),
        ("target_session_attrs=master", "target_session_attrs: found 'master'"),
        ("connect_timeout=soon", "connect_timeout: found 'soon', expected a whole number"),
        ("keepalives=on", "keepalives: found 'on', expected a whole number"),
    ],
)
def test_a_parameter_that_libpq_would_refuse_is_a_bad_setting(parameter: str, expected: str) -> None:
    with pytest.raises(InputError) as raised:
        parsed(f"postgresql://ann:hunter2@db.example/stats?{parameter}")
    assert str(raised.value).startswith("ONS_BIGDATA_DATABASE_URL: ")
    assert expected in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_known_parameters_are_taken() -> None:
    text = "postgresql://ann@db.example/stats?sslmode=verify-full&connect_timeout=3&target_session_attrs=read-write"
    assert parse_dsn(parsed(text).libpq())["sslmode"] == "verify-full"
