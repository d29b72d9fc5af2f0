"""Ingest under faults: kills, any order, other servers, wrong files, two processes at once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg2
import pytest

from ons_bigdata.platform.errors import UnavailableError
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.sources import scrape_files
from ons_bigdata.prices.sources.quote_writer import QuoteRow, write_quotes
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.scrape_archive import simulate_scrapes
from tests.command_line import CommandLine

DAYS = 5
PASSWORD = "canary-s3cr3t"  # noqa: S105  (of a server that lives for a minute)
START = date(2016, 5, 4)  # a Wednesday: five days without a whole calendar week

ROW = "2016-06-03 08:00:10,TESCO,210111,White loaf,Bread,,Loaf 800G,£1.50,1.5,(£0.15/100g),0.15,100,g,1.5,kg,,,,\n"
"""A row of a scrape file."""

_TABLES = """
    select md5(string_agg(q::text, '' order by load_id, line)) as digest from raw.price_quotes as q
    union all
    select md5(string_agg(concat_ws('|', name, sha256, partitions::text, superseded_by, state, outcome, reason,
        rows_in, accepted, quarantined, ops.files.data_origin), '' order by name, sha256))
        from ops.files left join ops.loads using (file_id)
    union all
    select md5(string_agg(q::text, '' order by load_id, line)) from ops.quarantine as q
"""


@pytest.fixture(scope="module")
def scrapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate five days of three shops, with a file that is no scrape among them."""
    folder = simulate_scrapes(
        tmp_path_factory.mktemp("world"), days=7, archive_days=DAYS, start=START, shelf_size=0.1
    ).scrapes_dir
    (folder / "notes.txt").write_text("not a scrape")
    (folder / "sim-alder_products_20160504200000.csv").write_text("a,b\n1,2\n")
    return folder


@pytest.fixture(scope="module")
def command(short_tmp: Path) -> Iterator[CommandLine]:
    """Command line with a separate embedded server, used for the undisturbed ingest."""
    line = CommandLine(short_tmp / "calm")
    yield line
    line.run("down", code=None)


@pytest.fixture(scope="module")
def undisturbed(command: CommandLine, scrapes: Path) -> list[dict]:
    """Ingest in peace: what all other ways must come to."""
    summary = command.json("ingest", "prices", scrapes, "--json")
    assert summary["files"] == len(list(scrapes.iterdir()))
    assert summary["rows_in"] == summary["accepted"] + summary["quarantined"]
    assert summary["refused"] == 2
    return command.query(_TABLES)


def _fresh(command: CommandLine, database: str) -> CommandLine:
    """State folder with an empty database on the server of `command`."""
    home = command.home.parent / database
    socket = command.home / "pg"
    command.run("query", "select 1")  # the server runs
    subprocess.run(
        ["psql", "-h", str(socket), "-U", "postgres", "-qc", f"create database {database}", "postgres"], check=True
    )
    url = f"postgresql://postgres@/{database}?host={socket}"
    return CommandLine(home, (("ONS_BIGDATA_DATABASE_URL", url),))


@pytest.fixture
def elsewhere(command: CommandLine, undisturbed: list[dict], request: pytest.FixtureRequest) -> CommandLine:
    """Fresh database and state folder for a test, and the state of an undisturbed ingest."""
    assert undisturbed
    if shutil.which("psql") is None:
        pytest.skip("no psql on this machine")
    digest = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return _fresh(command, f"test_{digest}")


def test_refused_files_are_in_the_ledger_with_the_reason(command: CommandLine, undisturbed: list[dict]) -> None:
    assert undisturbed
    refused = {
        row["name"]: row["reason"]
        for row in command.query(
            "select name, reason from ops.files join ops.loads using (file_id) where outcome = 'refused'"
        )
    }
    assert set(refused) == {"notes.txt", "sim-alder_products_20160504200000.csv"}
    assert "name" in refused["notes.txt"]
    assert "timestamp" in refused["sim-alder_products_20160504200000.csv"]  # a column that is missing


NIGHTLY = pytest.mark.nightly


@pytest.mark.parametrize("kind", ["reversed", pytest.param("tar", marks=NIGHTLY), pytest.param("zip", marks=NIGHTLY)])
def test_another_order_and_other_wrappings_give_the_same_tables(
    elsewhere: CommandLine, undisturbed: list[dict], scrapes: Path, tmp_path: Path, kind: str
) -> None:
    files = sorted(scrapes.iterdir(), reverse=True)
    if kind == "reversed":
        half = len(files) // 2
        elsewhere.run("ingest", "prices", *files[:half])
        elsewhere.run("ingest", "prices", *files[half:])
    elif kind == "tar":
        with tarfile.open(tmp_path / "scrapes.tar.xz", "w:xz", preset=0) as archive:
            for file in files:
                archive.add(file, f"scrapes/{file.name}")
        elsewhere.run("ingest", "prices", tmp_path / "scrapes.tar.xz")
    else:
        with zipfile.ZipFile(tmp_path / "scrapes.zip", "w") as archive:
            for file in files:
                archive.write(file, file.name)
        elsewhere.run("ingest", "prices", tmp_path / "scrapes.zip")
    assert elsewhere.query(_TABLES) == undisturbed


@pytest.mark.parametrize("loaded_files", [0, pytest.param(1, marks=NIGHTLY), 6, pytest.param(13, marks=NIGHTLY)])
def test_a_kill_in_the_middle_and_a_second_start_give_the_same_tables(
    elsewhere: CommandLine, undisturbed: list[dict], scrapes: Path, loaded_files: int
) -> None:
    """Kill the process once so many files are loaded (0: once the first has landed)."""
    process = subprocess.Popen(
        elsewhere.command("ingest", "prices", scrapes), env=elsewhere.environment(), stderr=subprocess.DEVNULL
    )
    url = dict(elsewhere.variables)["ONS_BIGDATA_DATABASE_URL"]
    table = "ops.loads" if loaded_files else "ops.files"
    deadline = time.monotonic() + 120
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        while process.poll() is None and time.monotonic() < deadline:
            if _rows_of(connection, table) >= max(loaded_files, 1):
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.01)
    assert process.wait() == -signal.SIGKILL, "the ingest was over before the kill"
    elsewhere.run("ingest", "prices", scrapes)
    assert elsewhere.query(_TABLES) == undisturbed
    elsewhere.run("doctor")  # removes what a killed process left
    assert not list((elsewhere.home / "landing").rglob("*.tmp"))


def _rows_of(connection: psycopg2.extensions.connection, table: str) -> int:
    """Number of rows of a table; 0 before it is created."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is not null", [table])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(f"select count(*) from {table}")
        return cursor.fetchone()[0]


_OTHER_TABLES = """
    select md5(string_agg(q::text, '' order by load_id, line)) as digest from raw.other_price_quotes as q
    union all
    select md5(string_agg(concat_ws('|', name, sha256, partitions::text, superseded_by, state, outcome, reason,
        rows_in, accepted, quarantined), '' order by name, sha256))
        from ops.files join ops.loads using (file_id) where source = 'prices_other'
    union all
    select md5(string_agg(p::text, '' order by load_id, partition)) from ops.load_partitions as p
        join ops.loads using (load_id) join ops.files using (file_id) where source = 'prices_other'
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file of an aggregator with two days in each of three months."""
    days = [datetime(2016, month, day, 20, tzinfo=UTC) for month in (1, 2, 3) for day in (5, 20)]
    rows: list[QuoteRow] = [
        {
            **{"retailer": "sim-alder", "run_id": "sim-aggregator-20160401060000", "collected_at": day},
            **{"item_number": 210302, "item_name": "Biscuits", "category": "Biscuits", "product_id": None},
            **{"product_name": f"BISCUITS {number}", "price_gbp": 1.0, "unit_price_gbp": None, "unit": None},
            **{"promotion": None, "was_price_gbp": None, "loyalty_price_gbp": None, "multibuy": None},
            **{"in_stock": None, "url": None},
        }
        for day in days
        for number in range(50)
    ]
    path = tmp_path_factory.mktemp("history") / "sim-aggregator_quotes_20160401060000.csv"
    path.write_bytes(write_quotes(rows, source="sim-aggregator"))
    return path


def test_a_file_of_months_killed_between_two_days_is_completed_by_a_second_start(
    command: CommandLine, elsewhere: CommandLine, history: Path
) -> None:
    """Lock the fourth day, kill the ingest while it waits for the lock, and start again."""
    calm = _fresh(command, "history")
    summary = calm.json("ingest", "other-prices", history, "--json")
    assert (summary["accepted"], summary["first_day"], summary["last_day"]) == (300, "2016-01-05", "2016-03-20")
    elsewhere.run("query", "select 1")
    url = dict(elsewhere.variables)["ONS_BIGDATA_DATABASE_URL"]
    key = "hashtextextended('prices_other/2016-02-20', 0)"
    holder = subprocess.Popen(["psql", url, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    print(f"select pg_advisory_lock({key}); select 'held';", file=holder.stdin, flush=True)
    while holder.stdout and "held" not in holder.stdout.readline():
        pass
    process = subprocess.Popen(
        elsewhere.command("ingest", "other-prices", history), env=elsewhere.environment(), stderr=subprocess.DEVNULL
    )
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    try:
        deadline = time.monotonic() + 120
        while _count(url, waiting) == 0:
            assert process.poll() is None and time.monotonic() < deadline, "the ingest never waited for the day"
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        holder.communicate("\\q\n")
    assert _count(url, "select count(distinct collected_on) from raw.other_price_quotes") == 3
    assert _count(url, "select count(*) from ops.files where partitions is null") == 1
    elsewhere.run("ingest", "other-prices", history)
    assert elsewhere.query(_OTHER_TABLES) == calm.query(_OTHER_TABLES)
    # chosen days are rebuilt from the landed file, whatever happened to their rows
    subprocess.run(
        ["psql", url, "-qc", "delete from raw.other_price_quotes where collected_on < '2016-02-01'"], check=True
    )
    chosen = ["materialize", "--select", "raw/other_price_quotes", "--from", "2016-01-01", "--to", "2016-01-31"]
    elsewhere.run(*chosen)
    assert elsewhere.query(_OTHER_TABLES) == calm.query(_OTHER_TABLES)


def _count(url: str, query: str) -> int:
    return int(subprocess.run(["psql", url, "-Atc", query], capture_output=True, text=True, check=True).stdout)


def test_what_cannot_be_taken_in_is_exit_code_2_without_a_traceback(elsewhere: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"), tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    for name in ("empty", "empty.zip", "empty.tar"):
        errors = elsewhere.run("ingest", "prices", tmp_path / name, code=2).stderr.replace("\n", " ")
        assert "no file below" in errors and "Traceback" not in errors
    (tmp_path / "notes.txt").write_text("no scrape")
    refused = elsewhere.run("ingest", "prices", tmp_path / "notes.txt", "--json", code=2)
    assert json.loads(refused.stdout)["refused"] == 1
    errors = elsewhere.run("ingest", "price", tmp_path, code=2).stderr.replace("\n", " ")
    named = " ".join(errors.split())
    assert (
        "known: addresses, meters, migration, official, other-prices, phone-events, phones, populations, prices,"
        in named
    )
    assert "did you mean 'prices'?" in named


def test_files_without_rows_are_named_and_exit_code_2(elsewhere: CommandLine, tmp_path: Path) -> None:
    name = "tesco_products_20160603080000.csv"
    header = ",".join(scrape_files.COLUMNS)
    deliveries = {"zero": "", "rows": header + "\n" + ROW, "header": header + "\n"}
    for folder, content in deliveries.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)
    expected = [
        ("zero", [f"{name}: no bytes"]),
        ("rows", []),
        ("header", [f"{name}: no row; the version with rows stays"]),
        ("zero", [f"{name}: no bytes; the version with rows stays"]),
    ]
    for folder, empties in expected:
        result = elsewhere.run("ingest", "prices", tmp_path / folder, "--json", code=2 if empties else 0)
        found = json.loads(result.stdout)
        assert (found["files"], found["outages"], found["superseded"]) == (1, len(empties), 0), folder
        assert found["empties"] == empties
    assert elsewhere.query("select count(*) as rows from raw.price_quotes where collected_on = '2016-06-03'") == [
        {"rows": 1}
    ]


def test_the_server_killed_in_the_middle_and_a_second_start(
    short_tmp: Path, undisturbed: list[dict], scrapes: Path
) -> None:
    """Kill the whole embedded server while it loads: exit code 1 or 3, nothing half done, then the same tables."""
    line = CommandLine(short_tmp / "storm")
    line.run("query", "select 1")
    try:
        process = subprocess.Popen(
            line.command("ingest", "prices", scrapes),
            env=line.environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        postmaster = int((line.home / "pg" / "postmaster.pid").read_text().splitlines()[0])
        landed = line.home / "landing"
        while not list(landed.rglob("*.csv")):
            time.sleep(0.01)
        os.kill(postmaster, signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        assert process.returncode in (1, 3), errors
        assert "error:" in errors
        line.run("ingest", "prices", scrapes)
        assert line.query(_TABLES) == undisturbed
    finally:
        line.run("down", code=None)


def test_two_ingests_at_once_give_the_same_tables(
    elsewhere: CommandLine, undisturbed: list[dict], scrapes: Path
) -> None:
    processes = [
        subprocess.Popen(elsewhere.command("ingest", "prices", scrapes), env=elsewhere.environment()) for _ in range(2)
    ]
    assert {process.wait(timeout=240) for process in processes} <= {0, 3}
    assert elsewhere.query(_TABLES) == undisturbed


def test_a_database_that_does_not_answer_is_exit_code_3(tmp_path: Path) -> None:
    nowhere = CommandLine(tmp_path, (("ONS_BIGDATA_DATABASE_URL", "postgresql://u:s3cr3t@127.0.0.1:9/x"),))
    finished = nowhere.run("status", code=UnavailableError.exit_code)
    assert "does not answer" in finished.stderr
    assert "s3cr3t" not in finished.stderr + finished.stdout


def test_a_url_that_is_none_is_exit_code_2(tmp_path: Path) -> None:
    for url in ("mysql://u@h/d", "nonsense", "postgresql://u@h"):
        assert "ONS_BIGDATA_DATABASE_URL" in CommandLine(tmp_path, (("ONS_BIGDATA_DATABASE_URL", url),)).run(
            "status", code=2
        ).stderr.replace("\n", " ")


def test_a_state_folder_with_too_long_a_path_is_exit_code_2(tmp_path: Path) -> None:
    long = CommandLine(tmp_path / ("x" * 100))
    assert "ONS_BIGDATA_HOME" in long.run("query", "select 1", code=2).stderr.replace("\n", " ")


@pytest.fixture(scope="module")
def existing_server(short_tmp: Path) -> Iterator[Path]:
    """Start a server of this machine's own Postgres; give its socket folder."""
    programs = os.environ.get("POSTGRES_BIN")
    if not programs:
        pytest.skip("no Postgres of this machine's own: set POSTGRES_BIN to the folder of its initdb")
    folder = short_tmp / "existing"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    short_tmp.chmod(0o755)
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data = str(folder / "data")
    (folder / "password").write_text(PASSWORD)
    initdb = [str(Path(programs) / "initdb"), "-U", "owner", "-A", "scram-sha-256", "-D", data]
    initdb += ["--pwfile", str(folder / "password")]
    control = [str(Path(programs) / "pg_ctl"), "-w", "-D", data, "-l", str(folder / "log")]
    subprocess.run([*become, *initdb], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    listen = ["-o", f"-c listen_addresses='' -k {folder}", "start"]
    subprocess.run([*become, *control, *listen], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    yield folder
    subprocess.run([*become, *control, "-m", "fast", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder)


@pytest.mark.parametrize("selection", ["*intermediate/int_prices__quotes_accepted", pytest.param("*", marks=NIGHTLY)])
def test_an_existing_server_serves_instead_of_the_embedded_one(
    existing_server: Path, undisturbed: list[dict], scrapes: Path, short_tmp: Path, selection: str
) -> None:
    server = f"postgresql://owner:{PASSWORD}@/postgres?host={existing_server}"
    name = f"client_{len(selection)}"
    subprocess.run(["psql", server, "-qc", f"create database {name}"], check=True)
    url = f"postgresql://owner:{PASSWORD}@/{name}?host={existing_server}"
    line = CommandLine(short_tmp / name, (("ONS_BIGDATA_DATABASE_URL", url), ("ONS_BIGDATA_ROLE_PREFIX", "office")))
    line.run("ingest", "prices", scrapes)
    assert line.query(_TABLES) == undisturbed
    assert line.query("select current_user::text as me, session_user::text as login") == [
        {"me": "office_reader", "login": "office_reader"}
    ]
    week = ["--from", "2016-05-04", "--to", "2016-05-08"]
    outcome = line.json("materialize", "--select", selection, *week, "--json")
    assert outcome["success"]
    assert line.query("select count(*)::int as accepted from intermediate.int_prices__quotes_accepted")[0]["accepted"]
    if selection == "*":
        rows = line.query(
            "select distinct status, reason from marts.price_indices where level = 'division' and recipe = 'web_daily'"
        )
        assert {row["status"] for row in rows} == {"none"}
        assert all("week" in row["reason"] for row in rows)  # no complete week: null with a reason
    assert not (short_tmp / name / "pg").exists()
    written = [path for path in (short_tmp / name).rglob("*") if path.is_file()]
    assert len(written) > 20
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
    assert Settings(home=line.home).data_dir == line.home / "pg"


def test_a_failing_step_is_exit_code_1_with_its_reason(command: CommandLine, undisturbed: list[dict]) -> None:
    """Hide a landed file: the days that need it fail, say so, and are whole again once it is back."""
    victim = next((command.home / "landing" / "prices").glob("sim-*/*.csv"))
    hidden = victim.rename(victim.with_suffix(".hidden"))
    days = ["--from", "2016-05-04", "--to", "2016-05-08"]
    try:
        finished = command.run("materialize", "--select", "raw/price_quotes", *days, code=1)
        assert "fault" in command.run("doctor", code=1).stdout
    finally:
        hidden.rename(victim)
    assert f"is missing: expected at {victim}" in finished.stdout.replace("\n", "")
    command.run("materialize", "--select", "raw/price_quotes", *days)
    assert command.query(_TABLES) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=NIGHTLY)])
def test_a_kill_in_the_middle_of_dbt_blocks_nothing(
    command: CommandLine, undisturbed: list[dict], number: signal.Signals
) -> None:
    """End a run while dbt builds: the next run takes the lock, marks a dead run as failed, and succeeds."""
    assert undisturbed
    selection = ["materialize", "--select", "staging/stg_prices__quotes", "--from", "2016-05-04", "--to", "2016-05-08"]
    process = subprocess.Popen(
        command.command(*selection),
        env=command.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    building = "select count(*)::int as locks from pg_locks where locktype = 'advisory' and granted"
    store, deadline = open_warehouse(command.settings()), time.monotonic() + 400
    while store.rows(building) == [(0,)]:  # a build takes some tenths of a second
        assert process.poll() is None and time.monotonic() < deadline, "no build before the end of the run"
        time.sleep(0.005)
    os.kill(process.pid, number)
    printed, _ = process.communicate()
    if number == signal.SIGINT:
        assert process.returncode == 1
        assert "interrupted" in printed
    outcome = command.json(*selection, "--json")
    assert outcome["success"]
    socket = command.home / "pg"
    runs = subprocess.run(
        ["psql", "-h", str(socket), "-U", "postgres", "-Atc", "select status from dagster.runs", "ons_bigdata"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "STARTED" not in runs
    assert "FAILURE" in runs
