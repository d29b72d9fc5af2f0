"""The command line from outside: errors with their exit codes, an empty home, completion, progress in a terminal."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from ons_bigdata import cli
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.pseudonyms import read_key
from ons_bigdata.rendering import CLOSED_PIPE
from ons_bigdata.settings import get_settings
from tests.command_line import ROOT, CommandLine


@dataclass(frozen=True)
class Finished:
    """Exit code and output of a command."""

    code: int
    stdout: str
    stderr: str


class InProcess:
    """The command in this process, where it takes no seconds to start."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.home, self.monkeypatch, self.capfd = home, monkeypatch, capfd
        for name in os.environ:
            if name.startswith("ONS_BIGDATA_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("ONS_BIGDATA_HOME", str(home))

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run the command with further environment variables (without their prefix)."""
        for name, value in variables.items():
            self.monkeypatch.setenv(f"ONS_BIGDATA_{name}", value)
        self.monkeypatch.setattr(sys, "argv", ["ons-bigdata", *arguments])
        get_settings.cache_clear()
        self.capfd.readouterr()
        try:
            with pytest.raises(SystemExit) as exit_:
                cli.main()
        finally:
            get_settings.cache_clear()
        return Finished(int(exit_.value.code or 0), *self.capfd.readouterr())

    def error(self, *arguments: str, **variables: str) -> str:
        """Return the message of a command that must fail as wrong input, without a traceback."""
        finished = self.run(*arguments, **variables)
        assert (finished.code, finished.stdout) == (InputError.exit_code, "")
        assert "Traceback" not in finished.stderr
        return " ".join(finished.stderr.split())


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> InProcess:
    """Command with a state folder that does not exist."""
    return InProcess(tmp_path / "home", monkeypatch, capfd)


@pytest.fixture(scope="module")
def parsed_home(short_tmp: Path) -> Path:
    """State folder of all tests that read the dbt project, which is parsed once."""
    return short_tmp / "cli"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("HOME", "", "expected the path of a folder"),
        ("HOME", " ", "expected the path of a folder"),
        ("LINK_WINDOW_DAYS", "0", "greater than or equal to 1"),
        ("MAX_FILE_BYTES", "ten", "valid integer"),
        ("ROLE_PREFIX", "A-B", "match pattern"),
    ],
)
def test_a_bad_setting_is_reported_with_its_variable_value_and_what_is_allowed(
    empty: InProcess, variable: str, value: str, allowed: str
) -> None:
    message = empty.error("status", **{variable: value})
    assert f"ONS_BIGDATA_{variable}='{value}': " in message
    assert allowed in message
    assert not empty.home.exists()


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["status", "--all"], ["status", "--json"], ["down"], ["--version"]],
)
def test_an_empty_home_stays_empty(empty: InProcess, arguments: list[str]) -> None:
    assert empty.run(*arguments).code == 0
    assert not empty.home.exists()


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"]])
def test_a_closed_output_ends_a_command_without_a_message(
    empty: InProcess, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """The same as `ons-bigdata … | true`: 141 as of other tools, whose process SIGPIPE ends."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        finished = empty.run(*arguments)
    assert (finished.code, finished.stderr) == (CLOSED_PIPE, "")


def test_a_command_leaves_imports_out_of_the_search_for_garbage_at_its_end(
    empty: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[tuple[int, int, int]] = []
    monkeypatch.setattr(gc, "freeze", lambda: ends.append(gc.get_threshold()))
    for arguments in (["status"], ["materialize", "--select", "(("]):  # one that succeeds, one that fails
        empty.run(*arguments)
    assert ends == [cli.GARBAGE_THRESHOLDS] * 2


def test_the_status_of_an_empty_home_says_how_to_begin(empty: InProcess) -> None:
    assert "Nothing here yet: `ons-bigdata demo`" in empty.run("status").stdout
    status = json.loads(empty.run("status", "--json").stdout)
    assert (status["database"], status["checks"], status["loads"], status["failed_checks"]) == (None, 0, [], [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ingest", "prices", "nowhere.tar"], "no such file or directory: nowhere.tar; expected a folder"),
        (["ingest", "official", ".", "nowhere"], "no such file or directory: nowhere"),
        (["demo", "--pilots", "prices", "--archive", "nowhere", "--no-serve"], "no such file or directory: nowhere"),
        (["report", "prices"], "nothing in "),
        (["report", "prices", "--json"], "`ons-bigdata demo` fills it with simulated data"),
        (["reparse", "prices"], "nothing in "),
        (["materialize", "--select", "(("], "selection '((': expected schema/table"),
        (["materialize", "--select", "raw/price_quotes,"], "found an empty term"),
        (["up", "--host", "0.0.0.0"], "host 0.0.0.0 is not loopback"),  # noqa: S104
    ],
)
def test_wrong_input_is_reported_before_anything_is_created(empty: InProcess, arguments: list[str], words: str) -> None:
    assert words in empty.error(*arguments)
    assert not empty.home.exists()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, ["TOKEN", "LEGAL_BASIS"]),
        ({"TWEET_STREAM_TOKEN": "secret-t0ken"}, ["LEGAL_BASIS"]),
        ({"TWEET_STREAM_LEGAL_BASIS": "Agreement 17 with the platform"}, ["TOKEN"]),
        ({"TWEET_STREAM_TOKEN": " ", "TWEET_STREAM_LEGAL_BASIS": "none"}, ["TOKEN", "LEGAL_BASIS"]),
    ],
)
def test_the_stream_is_off_without_a_token_and_a_legal_basis(
    empty: InProcess, variables: dict[str, str], named: list[str]
) -> None:
    message = empty.error("harvest", "tweets", "--for", "1s", **variables)
    assert "the stream of posts is off" in message
    assert [name for name in ("TOKEN", "LEGAL_BASIS") if f"ONS_BIGDATA_TWEET_STREAM_{name} (" in message] == named
    assert "secret-t0ken" not in message
    assert not empty.home.exists()


@pytest.mark.parametrize("duration", ["", "10", "m", "0s", "1d", "5m3h", "-1s"])
def test_a_duration_of_another_form_is_reported(empty: InProcess, duration: str) -> None:
    assert "expected a duration such as 90s, 10m or 1h30m" in empty.error("harvest", "tweets", f"--for={duration}")


def test_the_help_says_what_the_command_is_for_and_how_to_begin(empty: InProcess) -> None:
    shown = " ".join(empty.run("--help").stdout.split())
    assert "Turn big-data sources into official statistics" in shown
    assert "`demo` runs the whole path on simulated data" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["materialize", "--select", "raw/price_quotes+2"], "selection 'raw/price_quotes+2': expected schema/table"),
        (["materialize", "--select", "(("], "selection '((': expected schema/table"),
        (["materialize", "--select", ""], "found an empty term"),
        (["materialize", "--select", "marts/price_index"], "nearest: marts/price_indices"),
        (["materialize", "--select", "group:price_indices"], "nearest groups: prices_indices"),
        (
            ["materialize", "--select", "*", "--from", "2016-13-01"],
            "--from: found '2016-13-01', expected a day YYYY-MM-DD",
        ),
        (["materialize", "--select", "*", "--from", "2016-05-03", "--to", "2016-05-02"], "is after --to"),
        (["reparse", "prices", "--from", "2016-05-03", "--to", "2016-05-02"], "is after --to"),
        (["query", ""], "the query is empty"),
        (["query", " ;; /* nothing */ "], "the query is empty"),
        (["demo", "--pilots", "lorries"], "found lorries; known: prices"),
        (["demo", "--pilots", ","], "found none; known: prices"),
    ],
)
def test_bad_usage_is_reported_without_a_database(
    empty: InProcess, parsed_home: Path, arguments: list[str], words: str
) -> None:
    assert words in empty.error(*arguments, HOME=str(parsed_home))
    assert not (parsed_home / "pg").exists()


@pytest.mark.parametrize("arguments", [["status"], ["materialize", "--select", "*"], ["query", "select 1"]])
@pytest.mark.parametrize("below", ["", "below"])
def test_a_home_that_is_a_file_or_below_one_is_reported(empty: InProcess, arguments: list[str], below: str) -> None:
    empty.home.write_text("a file")
    message = empty.error(*arguments, HOME=str(empty.home / below))
    assert f"state folder {empty.home}" in message.replace("/below", "")
    assert "ONS_BIGDATA_HOME" in message
    assert empty.home.read_text() == "a file"


def test_a_home_of_an_unknown_user_is_a_bad_setting(empty: InProcess) -> None:
    message = empty.error("status", HOME="~no-such-user/prices")
    assert "ONS_BIGDATA_HOME='~no-such-user/prices'" in message
    assert "the home folder of no user that is known here" in " ".join(message.split())


@pytest.mark.parametrize("below", ["", "below"])
def test_doctor_reports_a_home_that_is_a_file_or_below_one(empty: InProcess, below: str) -> None:
    empty.home.write_text("a file")
    finished = empty.run("doctor", HOME=str(empty.home / below))
    assert finished.code == 1
    assert f"state folder {empty.home}" in " ".join(finished.stdout.split())
    assert "Traceback" not in finished.stdout + finished.stderr


def test_a_command_has_the_settings_of_its_call_alone(tmp_path: Path) -> None:
    """Commands of the tests are forks of one process (`tests/forked_commands.py`)."""
    (tmp_path / "file").write_text("a file")
    command, spoilt = CommandLine(tmp_path / "home"), CommandLine(tmp_path / "file")
    wrong = CommandLine(tmp_path / "home", (("ONS_BIGDATA_ROLE_PREFIX", "A-B"),))
    for _ in range(2):
        assert "Nothing here yet" in command.run("status").stdout
        assert f"state folder {spoilt.home}" in " ".join(spoilt.run("query", "select 1", code=2).stderr.split())
        assert "ONS_BIGDATA_ROLE_PREFIX='A-B'" in wrong.run("status", code=2).stderr
    assert "No such command" in command.run("statuses", code=2).stderr
    assert not command.home.exists()


def test_two_statements_are_refused_in_plain_words(short_tmp: Path) -> None:
    command = CommandLine(short_tmp / "two")
    try:
        refused = command.run("query", "select 1; select 2", code=InputError.exit_code)
        assert "more than one statement; expected one SELECT" in refused.stderr
        assert command.run("query", "select ';' as x;", "--format", "csv").stdout == "x\n;\n"
    finally:
        command.run("down", code=None)


def test_a_pseudonym_key_is_made_once(empty: InProcess) -> None:
    made = empty.run("new-secret", "pseudonyms")
    path = empty.home / "pseudonym.key"
    key = read_key(None, path)
    assert made.code == 0
    assert key.key_id in made.stdout
    assert key.secret.hex() not in made.stdout
    assert "there is a pseudonym key" in empty.error("new-secret", "pseudonyms")
    assert read_key(None, path) == key


def test_restricted_rows_are_shown_to_the_custodian_alone(short_tmp: Path) -> None:
    command = CommandLine(short_tmp / "custodian")
    query = ("query", "select count(*) as tables from information_schema.tables where table_schema = 'restricted'")
    may_enter = ("query", "select has_schema_privilege('restricted', 'usage') as x")
    try:
        assert "false" in command.run(*may_enter, "--format", "csv").stdout
        denied = command.run("query", "select * from restricted.phone_devices", code=InputError.exit_code).stderr
        assert "`query --as custodian`" in " ".join(denied.split())
        missing = command.run(*query, "--as", "custodian", code=InputError.exit_code).stderr
        assert "run `ons-bigdata new-secret custodian`" in " ".join(missing.split())
        command.run("new-secret", "custodian")
        assert "true" in command.run(*may_enter, "--as", "custodian", "--format", "csv").stdout
        password = (command.home / "secrets" / "custodian").read_text().strip()
        other = CommandLine(command.home, (("ONS_BIGDATA_CUSTODIAN_PASSWORD", "f" * 64),))
        wrong = other.run(*query, "--as", "custodian", code=InputError.exit_code)
        assert "refuses the password" in wrong.stderr
        texts = [path.read_text(errors="replace") for path in command.home.rglob("*.log")]
        assert not any(password in text for text in texts)
    finally:
        command.run("down", code=None)


def test_a_shell_can_be_given_completion(empty: InProcess) -> None:
    assert "--show-completion" in empty.run("--help").stdout


BACKGROUND = """
import time
from dagster._utils.interrupts import setup_interrupt_handlers
from ons_bigdata import cli

def wait():
    setup_interrupt_handlers()  # as Dagster does at the end of each run
    print("ready", flush=True)
    time.sleep(60)
    print("went on", flush=True)

cli.app = wait
cli.main()
"""


def test_a_command_in_the_background_can_be_ended_but_not_by_ctrl_c() -> None:
    command = [sys.executable, "-c", BACKGROUND]
    ignoring = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)  # as a shell does with `&`
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=ignoring) as process:  # noqa: PLW1509
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.3)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == ""
    assert process.returncode != 0


def test_a_bar_is_drawn_in_a_terminal_while_steps_redirect_standard_error() -> None:
    """Dagster sends descriptor 2 to a file while a step runs; the bar stays on the terminal and names the step."""
    program = (
        "import os, time\n"
        "from ons_bigdata.progress_bars import progress_bars\n"
        "from ons_bigdata.platform import progress\n"
        "with progress_bars():\n"
        "    progress.report('run', 0, 2, current='prices: indices, marts/price_indices', upcoming='prices: quality')\n"
        "    kept = os.dup(2); os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"
        "    time.sleep(0.5)\n"
        "    progress.report('run', 1, 2, current='prices: quality', upcoming=None)\n"
        "    time.sleep(0.5)\n"
        "    os.dup2(kept, 2)\n"
    )
    shown = _in_terminal([sys.executable, "-c", program])
    assert re.search(r"prices: indices, marts/price_indices .*0/2 .*0:00:00 next: prices: quality", shown)
    assert re.search(r"prices: quality .*1/2", shown)
    assert "starting" in shown


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_count_and_time_of_a_bar_are_whole_in_a_narrow_terminal(width: int) -> None:
    program = (
        "import time\n"
        "from ons_bigdata.progress_bars import progress_bars\n"
        "from ons_bigdata.platform import progress\n"
        "with progress_bars():\n"
        "    progress.report('run', 12, 137, current='prices: ' + 'indices, ' * 20, upcoming='tables ' * 20)\n"
        "    progress.report('test ' * 40, 99, 100)\n"
        "    time.sleep(0.3)\n"
    )
    lines = re.split(r"[\r\n]+", _in_terminal([sys.executable, "-c", program], columns=width))
    bars = [line for line in lines if "prices: " in line]
    assert bars
    for line in bars:
        assert re.search(r"prices: .*… .* 12/137 0:00:0[0-9] next: ", line), line
        assert len(line.rstrip()) <= width
    assert any(re.search(r"test .*… .* 99/100 0:00:0[0-9]", line) for line in lines)


def _in_terminal(command: list[str], *, columns: int = 160) -> str:
    """Return what a command writes to a terminal, without control sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    of_terminal = {"COLUMNS", "LINES"}  # they would count in place of the terminal's own size
    environment = {**{name: value for name, value in os.environ.items() if name not in of_terminal}, "TERM": "xterm"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        written = b""
        while part := _read(ours):
            written += part
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode(errors="replace"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""
