"""Process of the daemon: Dagster's, with named jobs for the runs that it starts; `python -m` this module."""

from __future__ import annotations

from dagster._daemon.cli import main as run_daemon

from ons_bigdata.platform.dagster.serving.named_jobs import prefer_in_daemon


def main() -> None:
    """Run the daemon with the command line of `dagster-daemon`."""
    prefer_in_daemon()
    run_daemon()


if __name__ == "__main__":
    main()
