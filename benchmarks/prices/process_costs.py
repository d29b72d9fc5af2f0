"""Costs of a command run as a user would: wall time, processor time of ours and of the server, and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from ons_bigdata.settings import Settings

SAMPLES_PER_S = 5

_SCRIPT = """
import atexit, resource, sys
def print_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print('CPU', usage.ru_utime + usage.ru_stime, file=sys.stderr)
atexit.register(print_cpu)
from ons_bigdata.cli import main
main()
"""
"""The process prints its CPU time as it ends: that of its children would include a server that it starts."""


@dataclass(frozen=True)
class Cost:
    """Cost of a command: seconds, and mebibytes of its processes (PSS, without the server)."""

    what: str
    wall_s: float
    cpu_s: float
    server_cpu_s: float
    peak_mib: float

    def line(self) -> str:
        """Return the cost as a row of a Markdown table."""
        figures = (self.wall_s, self.cpu_s, self.server_cpu_s, self.peak_mib)
        return f"| {self.what} | " + " | ".join(f"{figure:,.1f}" for figure in figures) + " |"


class PeakMemory(threading.Thread):
    """Sampler of the proportional set size of a process and those below it, without database servers."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak_bytes = 0
        self.over = threading.Event()

    def run(self) -> None:
        """Sample until `over` is set."""
        while not self.over.wait(1 / SAMPLES_PER_S):
            self.peak_bytes = max(self.peak_bytes, self._now())

    def _now(self) -> int:
        total = 0
        try:
            family = [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in family:
            try:
                if process.name() != "postgres":
                    total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
        return total


def server_cpu_s(home: Path) -> float:
    """CPU seconds so far of the embedded server of an installation, its ended backends included; 0 if it is down."""
    pid_file = Settings(home=home).data_dir / "postmaster.pid"
    try:
        server = psutil.Process(int(pid_file.read_text().split()[0]))
        ended = server.cpu_times()
    except (FileNotFoundError, psutil.NoSuchProcess):
        return 0.0
    total = ended.user + ended.system + ended.children_user + ended.children_system
    for process in server.children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def run_command(home: Path, *arguments: str, what: str | None = None) -> tuple[Cost, dict]:
    """Run the command line with an installation in a process of its own; return its cost and its JSON.

    Raises SystemExit with the command's output where it fails.
    """
    server_before, started = server_cpu_s(home), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, *arguments],
        env={**os.environ, "ONS_BIGDATA_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    memory = PeakMemory(process.pid)
    memory.start()
    out, err = process.communicate()
    memory.over.set()
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{out}{err}")
    cpu = next(float(line.split()[1]) for line in err.splitlines() if line.startswith("CPU "))
    cost = Cost(
        what or f"ons-bigdata {' '.join(arguments[:3])}",
        wall,
        cpu,
        server_cpu_s(home) - server_before,
        memory.peak_bytes / 2**20,
    )
    return cost, json.loads(out)
