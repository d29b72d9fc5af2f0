"""Real crawls by Scrapy in separate processes against a small real server: walks, manners, breakages, kills."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.prices.sources.scraping.launch import OUTCOME, PAGES, Outcome, crawl, read_outcome
from ons_bigdata.prices.sources.scraping.pages import read_pages
from tests.prices.sources.scraping.pages_of_shops import (
    MICRODATA,
    cedar,
    departments,
    ld,
    line,
    product,
    retailer_text,
    shelf,
    state,
)
from tests.prices.sources.scraping.small_shop import MORNING, ROBOTS, Response, SmallShop, serving

AGENT = "ons_bigdata/0 (+prices@example.org)"
DAY = date(2016, 5, 28)


@pytest.fixture
def shop() -> Iterator[SmallShop]:
    with serving(SmallShop()) as one:
        yield one


def file_of(shop: SmallShop, folder: Path, kind: str = "html_list", **changes: Any) -> Path:
    path = folder / "sim-alder.yaml"
    path.write_text(retailer_text(kind, shop.address, **changes))
    return path


def run(shop: SmallShop, folder: Path, kind: str = "html_list", *, day: date = DAY, **changes: Any) -> Outcome:
    return crawl(file_of(shop, folder, kind, **changes), folder / "spool", day=day, agent=AGENT, after=None)


def categories(*names: str) -> list[dict[str, Any]]:
    return [{"item_number": 210111, "item_name": "White sliced loaf", "category": name} for name in names]


def states(outcome: Outcome) -> dict[str, tuple[str, str]]:
    return {one["category"]: (one["state"], one["reason"] or "") for one in outcome.categories}


# --- a walk through a shop in which everything happens --------------------------------------------------

WALK = (
    *("White Bread", "Brown Bread", "Moved", "Other Port", "Forbidden", "Changed", "Wall", "Blank", "Gone", "Circle"),
    *("Astray", "Last", "Packed", "Bread rolls and wraps"),
)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallShop, Outcome]]:
    """Crawl one shop with every breakage of single categories; many tests look at what came of it."""
    with serving(SmallShop()) as shop, serving(SmallShop()) as elsewhere:
        shop.responses |= {
            "/robots.txt": [Response(status=0), Response(ROBOTS)],
            "/": departments(
                **{"White_Bread": "/white", "Brown_Bread": "/brown", "Moved": "/moved", "Other_Port": "/other"},
                **{"Forbidden": "/account/x", "Changed": "/changed", "Wall": "/wall", "Blank": "/blank", "Gone": "/g"},
                **{"Circle": "/circle", "Astray": "/astray", "Last": "/last", "Packed": "/packed"},
                **{"Bread_and_cakes": "/cakes", "Help": "/help"},
            ),
            "/white": Response(
                shelf(line(1), line(2, "99p"), line(3, "soon"), following="?page=2"), headers={"Set-Cookie": "seen=1"}
            ),
            "/white?page=2": [Response("Internal error", 500), Response(shelf(line(4, "£1,250.00")))],
            "/brown": Response(
                gzip.compress(shelf(line(1), line(5), line(5)).encode()), headers={"Content-Encoding": "gzip"}
            ),
            "/moved": Response("", 301, {"Location": "/moved-here"}),
            "/moved-here": shelf(line(6)),
            "/other": Response("", 302, {"Location": f"{elsewhere.address}/moved-here"}),
            "/changed": shelf(line(7)).replace("productLists", "tileGrid"),
            "/wall": "<html><body><h1>Are you human?</h1><p>Tick the box to go on</p></body></html>",
            "/blank": "",
            "/circle": shelf(line(8), following="/circle?page=2"),
            "/circle?page=2": shelf(line(12), following="/circle"),
            "/astray": shelf(line(11), following="javascript:more()"),
            "/last": shelf(line(13), following="/last?page=2"),
            "/last?page=2": shelf(line(14), following="/last?page=3"),
            "/last?page=3": Response("", 302, {"Location": "/last?page=%32"}),
            "/last?page=%32": shelf(line(14), following="/last?page=3"),
            "/packed": gzip.compress(shelf(line(15)).encode()),
            "/cakes": shelf(line(9), line(10)),
        }
        outcome = run(shop, tmp_path_factory.mktemp("walk"), categories=categories(*WALK))
        shop.responses["elsewhere"] = elsewhere.paths
        yield shop, outcome


def test_every_category_has_its_state_and_its_reason(walked: tuple[SmallShop, Outcome]) -> None:
    _, outcome = walked
    found = states(outcome)
    assert found["White Bread"] == ("collected", "1 of 4 not read: no price: Loaf & 3 800G")
    assert found["Brown Bread"] == ("collected", "")
    assert found["Moved"] == ("collected", "")
    assert found["Bread rolls and wraps"] == ("missing", "not in the shop's navigation")
    assert found["Bread and cakes"] == ("unknown", "resembles the missing bread rolls and wraps")
    assert found["Astray"] == ("collected", "")  # a next link that is a script is no next page
    assert found["Last"] == ("collected", "")  # a page beyond the last leads back to the last, which is read once
    assert found["Packed"] == ("collected", "")  # packed, and no header says so
    assert found["Help"] == ("unknown", "")
    for name, words in {
        "Other Port": "another site: http://127.0.0.1:",
        "Forbidden": "Forbidden by robots.txt",
        "Changed": "changed markup",
        "Wall": "bot wall",
        "Blank": "empty page",
        "Gone": "status 404",
        "Circle": "pages go in a circle",
    }.items():
        assert found[name][0] == "failed", name
        assert words in found[name][1], name


def test_the_run_is_recorded(walked: tuple[SmallShop, Outcome]) -> None:
    shop, outcome = walked
    record = outcome.run
    assert record["run_id"] == "sim-alder-20160528080500"
    assert record["finish_reason"] == "finished"
    assert record["user_agent"] == AGENT
    assert (record["robots_obeyed"], record["within_allowed_hours"]) == (True, True)
    assert record["requests"] == len(shop.asked) == record["pages_kept"] + 1  # one had no response
    assert record["pages_kept"] == sum(record["responses_by_status"].values())
    assert (record["retries"], record["responses_by_status"]["500"]) == (2, 1)
    by_name = {one["category"]: one for one in outcome.categories}
    assert [by_name["White Bread"][name] for name in ("pages", "products_listed", "products_parsed")] == [2, 4, 3]
    assert by_name["Brown Bread"]["duplicates"] == 1
    assert by_name["Bread and cakes"]["product_names"] == ["Loaf & 9 800G", "Loaf & 10 800G"]
    assert len(outcome.quotes.decode().splitlines()) == 1 + record["rows"] == 1 + 3 + 3 + 1 + 2 + 1 + 2 + 1


def test_one_request_at_a_time_without_cookie_or_referer_and_none_where_none_is_allowed(
    walked: tuple[SmallShop, Outcome],
) -> None:
    shop, _ = walked
    assert shop.paths[:3] == ["/robots.txt", "/robots.txt", "/"]
    assert not {name.lower() for one in shop.asked for name in one.headers} & {"cookie", "referer"}
    assert {one.headers["User-Agent"] for one in shop.asked} == {AGENT}
    assert {one.headers["Accept-Encoding"] for one in shop.asked} == {"gzip"}  # what kept pages can be read again in
    assert not any(path.startswith(("/account", "/basket")) for path in shop.paths)
    assert shop.responses["elsewhere"] == []


def test_every_response_is_kept_as_it_came(walked: tuple[SmallShop, Outcome]) -> None:
    shop, outcome = walked
    kept = list(read_pages(outcome.pages, name="pages"))
    assert [one.page.url.removeprefix(shop.address) for one in kept] == shop.paths[1:]
    first = next(one for one in kept if one.page.url.endswith("/white"))
    assert first.page.body.decode() == shop.responses["/white"].body
    assert first.context["category"] == "White Bread"
    assert [one.page.status for one in kept if one.page.url.endswith("white?page=2")] == [500, 200]
    assert kept[0].page.body.decode() == ROBOTS


# --- page families --------------------------------------------------------------------------------------


def _as_json(**content: object) -> str:
    return json.dumps(content)


PAGES_OF: dict[str, dict[str, str]] = {
    "json_ld": {
        "/": "<nav><a href='/c'>White Bread</a></nav>",
        "/c": ld({"@graph": [product(1)]}, '{"broken": ', following="/c?page=2"),
        "/c?page=2": ld(product(2)),
    },
    "microdata": {
        "/": "<nav><a href='/aisle'>White Bread</a></nav>",
        "/aisle": MICRODATA,
        "/aisle?page=2": MICRODATA.replace('rel="next"', "").replace('content="7"', 'content="8"'),
    },
    "next_data": {
        "/": state(categories=[{"id": "w", "name": "White Bread", "slug": "white"}]),
        "/browse/white": state(products=[cedar(1)], nextCursor=40),
        "/api/products?category=w&cursor=40": _as_json(products=[cedar(2), cedar(3, name=None)], nextCursor=80),
        "/api/products?category=w&cursor=80": _as_json(products=[cedar(4)], nextCursor=None),
    },
    "json_api": {
        "/api/categories": _as_json(categories=[{"id": 7, "name": "White Bread"}]),
        "/api/products?category=7": _as_json(items=[{"id": 1, "title": "a", "price": "99p"}, {"title": "b"}], next="x"),
        "/api/products?category=7&cursor=x": _as_json(items=[{"id": 2, "title": "c", "price": 1}], next=None),
    },
}


@pytest.mark.parametrize(
    ("kind", "rows", "failures"),
    [
        ("next_data", 3, 1),
        pytest.param("json_api", 2, 1, marks=pytest.mark.nightly),
        pytest.param("json_ld", 2, 1, marks=pytest.mark.nightly),
        pytest.param("microdata", 2, 2, marks=pytest.mark.nightly),
    ],
)
def test_a_page_family_is_walked_to_its_end(
    shop: SmallShop, tmp_path: Path, kind: str, rows: int, failures: int
) -> None:
    shop.responses |= PAGES_OF[kind]
    outcome = run(shop, tmp_path, kind)
    assert shop.paths == ["/robots.txt", *PAGES_OF[kind]]
    assert (outcome.run["rows"], len(outcome.failures)) == (rows, failures)
    assert states(outcome)["White Bread"][0] == "collected"


# --- manners --------------------------------------------------------------------------------------------


LARGE_PARENT = """
import sys
from datetime import date
from pathlib import Path
from ons_bigdata.prices.sources.scraping.launch import crawl
taken = b"1" * (1100 * 2**20)
file, spool, day, agent = sys.argv[1:]
print(crawl(Path(file), Path(spool), day=date.fromisoformat(day), agent=agent, after=None).run["finish_reason"])
"""


def test_a_crawl_is_not_ended_for_the_memory_of_the_process_that_starts_it(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses |= {"/": departments(White_Bread="/white"), "/white": shelf(line(1))}
    arguments = [str(file_of(shop, tmp_path)), str(tmp_path / "spool"), DAY.isoformat(), AGENT]
    ended = subprocess.run(
        [sys.executable, "-c", LARGE_PARENT, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "finished\n"


def test_crawl_delay_and_retry_after_are_waited_for(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses |= {
        "/robots.txt": ROBOTS.replace("Crawl-delay: 1", "Crawl-delay: 1.5"),
        "/": departments(White_Bread="/white"),
        "/white": [Response("slow down", 429, {"Retry-After": "3"}), Response(shelf(line(1)))],
    }
    outcome = run(shop, tmp_path, delay_s=1)
    waits_s = [later.at - earlier.at for earlier, later in zip(shop.asked, shop.asked[1:], strict=False)]
    assert shop.paths == ["/robots.txt", "/", "/white", "/white"]
    assert waits_s[0] >= 1.4  # a timer may be a hair early
    assert waits_s[1] >= 1.4
    assert waits_s[2] >= 2.9
    assert (outcome.run["delay_s"], outcome.run["retries"], outcome.run["rows"]) == (1.5, 1, 1)


def test_a_crawl_delay_beyond_the_allowed_hours_ends_the_run_at_once(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses["/robots.txt"] = "User-agent: *\nCrawl-delay: 1000000000\n"
    outcome = run(shop, tmp_path, delay_s=1)
    assert shop.paths == ["/robots.txt"]
    assert (outcome.run["finish_reason"], outcome.run["requests"]) == ("hours", 1)
    assert "robots.txt asks for 1e+09 s between requests" in states(outcome)["White Bread"][1]


def test_a_robots_file_that_cannot_be_decoded_forbids_all(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses["/robots.txt"] = Response("(\xb5/\xfd", headers={"Content-Encoding": "zstd"})
    outcome = run(shop, tmp_path)
    assert shop.paths == ["/robots.txt"]
    assert outcome.run["finish_reason"] == "outage"
    assert "robots.txt: Content-Encoding zstd: zstd was not asked for" in states(outcome)["White Bread"][1]


def test_a_shop_that_is_down_all_day_is_an_outage_after_one_request(shop: SmallShop, tmp_path: Path) -> None:
    shop.everywhere = Response("down", 503, {"Retry-After": "3600"})
    outcome = run(shop, tmp_path)
    assert shop.paths == ["/robots.txt"]
    assert outcome.run["finish_reason"] == "outage"
    assert outcome.quotes == b""
    assert outcome.run["robots_sha256"] is None
    state, reason = states(outcome)["White Bread"]
    assert state == "failed"
    assert "not collected: robots.txt: status 503" in reason
    assert "Retry-After 3600 s, longest wait 300 s" in reason


@pytest.mark.nightly
def test_a_shop_that_goes_down_or_turns_us_away_is_left_alone_after_three_categories(
    shop: SmallShop, tmp_path: Path
) -> None:
    names = ["A", "B", "C", "D", "E"]
    shop.responses["/"] = departments(**{name: f"/{name}" for name in names})
    shop.responses |= {f"/{name}": Response("down", 503, {"Retry-After": "0"}) for name in names[1:]}
    shop.responses |= {"/A": shelf(line(1)), "/C": Response("go away", 403)}
    outcome = run(shop, tmp_path, categories=categories(*names))
    assert (outcome.run["finish_reason"], outcome.run["rows"]) == ("outage", 1)
    assert shop.paths[2:] == ["/A", *["/B"] * 3, "/C", *["/D"] * 3]
    assert [states(outcome)[name][0] for name in names] == ["collected", *["failed"] * 4]
    assert "not collected: the site gave no page of 3 categories in a row" in states(outcome)["E"][1]


@pytest.mark.nightly
def test_the_budget_of_requests_is_the_end(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses |= {
        "/": departments(A="/A", B="/B"),
        "/A": shelf(line(1), following="/A?page=2"),
        "/A?page=2": shelf(line(2)),
        "/B": shelf(line(3)),
    }
    outcome = run(shop, tmp_path, request_budget=3, categories=categories("A", "B"))
    assert shop.paths == ["/robots.txt", "/", "/A"]
    assert (outcome.run["finish_reason"], outcome.run["requests"], outcome.run["rows"]) == ("budget", 3, 1)
    assert {state for state, _ in states(outcome).values()} == {"failed"}
    assert "request budget of 3 is spent" in states(outcome)["A"][1]


@pytest.mark.nightly
def test_no_page_is_asked_for_outside_the_hours_or_on_another_day(shop: SmallShop, tmp_path: Path) -> None:
    shop.now = MORNING + timedelta(hours=5)
    with pytest.raises(InputError, match=r"it is 13:05 at .*allowed hours are 05:00 to 12:00"):
        run(shop, tmp_path)
    shop.now = MORNING
    with pytest.raises(InputError, match="partition 2016-05-27: the site's present day is 2016-05-28"):
        run(shop, tmp_path, day=date(2016, 5, 27))
    assert shop.paths == ["/robots.txt"] * 2
    assert not (tmp_path / "spool").exists()


@pytest.mark.nightly
def test_a_run_that_meets_the_end_of_the_hours_stops_and_repeats_nothing(shop: SmallShop, tmp_path: Path) -> None:
    noon = {"Date": "Sat, 28 May 2016 11:00:00 GMT"}
    shop.responses |= {
        "/": departments(A="/A", B="/B", C="/C"),
        "/A": shelf(line(1)),
        "/B": Response("slow down", 503, {"Retry-After": "0", **noon}),
    }
    outcome = run(shop, tmp_path, categories=categories("A", "B", "C"))
    assert shop.paths == ["/robots.txt", "/", "/A", "/B"]
    assert (outcome.run["finish_reason"], outcome.run["rows"]) == ("hours", 1)
    assert outcome.run["within_allowed_hours"] is False  # the last response came at noon
    assert states(outcome)["B"][0] == "failed"
    assert states(outcome)["B"][1].endswith("/B (the allowed hours end before a wait of 0 s)")
    assert states(outcome)["C"] == ("failed", "not whole: allowed hours end at 12:00")


@pytest.mark.nightly
def test_robots_of_another_site_are_not_asked_for(shop: SmallShop, tmp_path: Path) -> None:
    with serving(SmallShop()) as elsewhere:
        shop.responses["/robots.txt"] = Response("", 301, {"Location": f"{elsewhere.address}/robots.txt"})
        outcome = run(shop, tmp_path)
        assert (shop.paths, elsewhere.paths) == (["/robots.txt"], [])
    assert (outcome.run["finish_reason"], outcome.run["robots_sha256"]) == ("outage", None)
    assert "not collected: robots.txt: another site" in states(outcome)["White Bread"][1]


@pytest.mark.nightly
def test_a_second_run_of_a_second_gets_a_later_start(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses |= {"/": departments(White_Bread="/white"), "/white": shelf(line(1))}
    outcome = crawl(file_of(shop, tmp_path), tmp_path / "spool", day=DAY, agent=AGENT, after=MORNING)
    assert outcome.started_at == MORNING + timedelta(seconds=1)
    assert outcome.quote_file == "sim-alder_quotes_20160528080501.csv"


# --- kills ----------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_a_killed_crawl_leaves_nothing_that_looks_whole(shop: SmallShop, tmp_path: Path) -> None:
    shop.responses |= {"/": departments(White_Bread="/white"), "/white": Response(shelf(line(1)), wait_s=60)}
    spool = tmp_path / "spool"
    spool.mkdir()
    child = _started(file_of(shop, tmp_path), spool, parent=os.getpid())
    _await(lambda: "/white" in shop.paths)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert read_outcome(spool) is None
    assert not (spool / PAGES).exists()


@pytest.mark.nightly
def test_a_crawl_whose_parent_is_gone_asks_for_nothing_more(shop: SmallShop, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    child = _started(file_of(shop, tmp_path), spool, parent=1)
    assert child.wait() != 0
    assert shop.paths == []
    assert not (spool / OUTCOME).exists()


@pytest.mark.nightly
def test_a_failing_crawl_reports_its_last_output(tmp_path: Path) -> None:
    path = tmp_path / "sim-alder.yaml"
    path.write_text("retailer: sim-alder")
    with pytest.raises(StepFailedError, match=r"the crawl of sim-alder ended with code 1: .*site: Field required"):
        crawl(path, tmp_path / "spool", day=DAY, agent=AGENT, after=None)


def _started(path: Path, spool: Path, *, parent: int) -> subprocess.Popen[bytes]:
    arguments = ["--file", path, "--spool", spool, "--day", DAY, "--agent", AGENT, "--parent", parent]
    command = [sys.executable, "-m", "ons_bigdata.prices.sources.scraping.crawl", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _await(condition: Any, *, at_most_s: float = 60) -> None:
    deadline = time.monotonic() + at_most_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
