"""Jobs in forks: results, progress, errors, kills, interrupts; no process is left behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from ons_bigdata.platform import forked_jobs, progress
from ons_bigdata.platform.forked_jobs import Job, JobError, can_fork, run_forked
from tests.command_line import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "runs.log"


def _pid(_sites: ExitStack) -> dict[str, int]:
    return {"pid": os.getpid()}


def _kill_itself(_sites: ExitStack) -> dict[str, int]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _has_ended(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def _wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_each_job_has_a_process_and_results_keep_the_order_of_the_jobs(log: Path) -> None:
    ended = run_forked([Job(name, _pid) for name in "abc"], most=2, sites=ExitStack(), log=log)
    assert [one.name for one in ended] == ["a", "b", "c"]
    pids = [one.result["pid"] for one in ended if one.result is not None]
    assert len({*pids, os.getpid()}) == 4
    assert all(_has_ended(pid) for pid in pids)


@pytest.mark.parametrize("most", [1, 2])
def test_as_many_jobs_run_at_once_as_may(log: Path, most: int) -> None:
    forks = multiprocessing.get_context("fork")
    running, most_seen, together = forks.Value("i", 0), forks.Value("i", 0), forks.Barrier(most)

    def work(_sites: ExitStack) -> dict[str, int]:
        with running.get_lock():
            running.value += 1
            most_seen.value = max(most_seen.value, running.value)
        together.wait(30)
        with running.get_lock():
            running.value -= 1
        return {}

    run_forked([Job(str(number), work) for number in range(2 * most)], most=most, sites=ExitStack(), log=log)
    assert most_seen.value == most


def test_progress_of_a_job_has_its_name_once(log: Path) -> None:
    def work(_sites: ExitStack) -> dict[str, int]:
        progress.report("landing files", 1, 2)
        progress.report("run", 0, 3, current="a: places, table", upcoming="a: next")
        return {}

    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        run_forked([Job("a", work)], most=2, sites=ExitStack(), log=log)
    assert reports == [
        progress.Progress("a: landing files", 1, 2),
        progress.Progress("a: run", 0, 3, "a: places, table", "a: next"),
    ]


def test_tasks_of_a_killed_job_are_not_shown_as_if_they_went_on(log: Path) -> None:
    def work(sites: ExitStack) -> dict[str, int]:
        progress.report("landing files", 2, 2)
        progress.report("run", 1, None)
        progress.report("loading", 1, 3)
        return _kill_itself(sites)

    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        run_forked([Job("a", work)], most=1, sites=ExitStack(), log=log)
    assert reports[3:] == [progress.Progress("a: loading", 1, 1), progress.Progress("a: run", 1, 1)]


def test_what_a_job_prints_is_in_the_log(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def work(_sites: ExitStack) -> dict[str, int]:
        sys.stdout.write("of Python\n")
        sys.stderr.write("of Python's errors\n")
        subprocess.run([sys.executable, "-c", "print('of a process')"], check=True)
        return {}

    run_forked([Job("a", work)], most=1, sites=ExitStack(), log=log)
    assert log.read_text().splitlines() == ["of Python", "of Python's errors", "of a process"]
    assert capfd.readouterr() == ("", "")


def test_a_killed_job_stops_no_other_and_leaves_no_process(tmp_path: Path, log: Path) -> None:
    def work(_sites: ExitStack) -> dict[str, int]:
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
            (tmp_path / "child").write_text(str(child.pid))
            return _kill_itself(_sites)

    ended = run_forked([Job("killed", work), Job("later", _pid)], most=1, sites=ExitStack(), log=log)
    assert (ended[0].result, ended[0].killed) == (None, "its process was killed (signal 9, SIGKILL)")
    assert ended[1].result is not None
    _wait_for(lambda: _has_ended(int((tmp_path / "child").read_text())))


def test_a_job_that_is_interrupted_by_itself_is_no_error(log: Path) -> None:
    def work(_sites: ExitStack) -> dict[str, int]:
        raise KeyboardInterrupt

    (ended,) = run_forked([Job("a", work)], most=1, sites=ExitStack(), log=log)
    assert (ended.result, ended.killed) == (None, "its process was interrupted")


def test_an_error_of_the_program_ends_the_others_and_has_its_traceback(tmp_path: Path, log: Path) -> None:
    def wait(_sites: ExitStack) -> dict[str, int]:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(600)
        return {}

    def divide(_sites: ExitStack) -> dict[str, int]:
        _wait_for((tmp_path / "pid").exists)
        return {"ratio": 1 // 0}

    with pytest.raises(JobError, match=r"(?s)^divide:\nTraceback.*ZeroDivisionError"):
        run_forked([Job("wait", wait), Job("divide", divide)], most=2, sites=ExitStack(), log=log)
    assert _has_ended(int((tmp_path / "pid").read_text()))


def test_sites_are_open_until_their_stack_is_closed(tmp_path: Path, log: Path) -> None:
    @contextmanager
    def site() -> Iterator[None]:
        (tmp_path / "open").touch()
        yield
        (tmp_path / "open").unlink()

    def work(sites: ExitStack) -> dict[str, int]:
        sites.enter_context(site())
        return _pid(sites)

    with ExitStack() as sites:
        serving, other = run_forked([Job("serving", work), Job("other", _pid)], most=2, sites=sites, log=log)
        assert serving.result is not None
        assert other.result is not None
        assert (tmp_path / "open").exists()
        assert not _has_ended(serving.result["pid"])
        assert _has_ended(other.result["pid"])
    assert not (tmp_path / "open").exists()
    assert _has_ended(serving.result["pid"])


def test_an_interrupt_of_this_process_ends_all_in_order(tmp_path: Path, log: Path) -> None:
    """Each job cleans up; one that heeds no interrupt is killed with the processes that it started."""

    def tidy(_sites: ExitStack) -> dict[str, int]:
        (tmp_path / "tidy").write_text(str(os.getpid()))
        try:
            time.sleep(600)
        finally:
            (tmp_path / "tidied").touch()
        return {}

    def interrupt() -> None:
        _wait_for((tmp_path / "tidy").exists)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_forked([Job("tidy", tidy)], most=2, sites=ExitStack(), log=log)
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "tidied").exists()
    assert _has_ended(int((tmp_path / "tidy").read_text()))


def test_a_job_that_heeds_no_interrupt_is_killed(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_jobs, "INTERRUPT_EVERY_S", 0.1)

    def stubborn(_sites: ExitStack) -> dict[str, int]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(600)
        return {}

    def fail(_sites: ExitStack) -> dict[str, int]:
        _wait_for((tmp_path / "pid").exists)
        raise ArithmeticError

    with pytest.raises(JobError, match="ArithmeticError"):
        run_forked([Job("stubborn", stubborn), Job("fail", fail)], most=2, sites=ExitStack(), log=log)
    assert _has_ended(int((tmp_path / "pid").read_text()))


PARENT = """
import os, sys, time
from contextlib import ExitStack
from pathlib import Path
from ons_bigdata.platform.forked_jobs import Job, run_forked

folder = Path(sys.argv[1])

def work(sites):
    sites.callback((folder / "closed").touch)
    (folder / "pid.tmp").write_text(str(os.getpid()))
    (folder / "pid.tmp").rename(folder / "pid")
    time.sleep(600)
    return {}

run_forked([Job("a", work)], most=2, sites=ExitStack(), log=folder / "log")
"""


def test_a_job_ends_in_order_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT)
    _wait_for((tmp_path / "pid").exists)
    parent.kill()
    parent.wait()
    _wait_for(lambda: _has_ended(int((tmp_path / "pid").read_text())))
    assert (tmp_path / "closed").exists()


def test_a_process_whose_polars_has_threads_is_not_forked() -> None:
    script = (
        "import polars as pl; from ons_bigdata.platform.forked_jobs import can_fork; print(can_fork());"
        " pl.DataFrame({'a': range(100_000)}).lazy().sort('a').group_by('a').len().collect(); print(can_fork())"
    )
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["True", "False"]
    assert isinstance(can_fork(), bool)


def test_loading_the_definitions_of_all_pilots_leaves_polars_without_threads() -> None:
    """Code that runs when a module is imported may compute no frame: the demo forks after it has loaded all of them."""
    script = (
        "from ons_bigdata.pilots import PILOTS; from ons_bigdata.platform.dagster import runs;"
        " from ons_bigdata.platform.forked_jobs import can_fork;"
        " runs.load_definitions(pilots=tuple(pilot.name for pilot in PILOTS)); print(can_fork())"
    )
    printed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["True"]
