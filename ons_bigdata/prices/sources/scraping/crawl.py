"""A crawl in a separate process: `python -m ons_bigdata.prices.sources.scraping.crawl …`.

Writes kept pages, quote file and last the outcome into its spool folder, each by temporary file, fsync and rename; and,
while it runs, a journal of its requests. Only `launch` starts it: Twisted's reactor cannot start twice in a process.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy.crawler import CrawlerProcess

from ons_bigdata.prices.sources.quote_writer import write_quotes
from ons_bigdata.prices.sources.retailer_files import read_retailer_file
from ons_bigdata.prices.sources.scraping.crawl_state import CrawlState, RefusedError
from ons_bigdata.prices.sources.scraping.launch import JOURNAL, OUTCOME, PAGES, QUOTES
from ons_bigdata.prices.sources.scraping.manners import scrapy_settings
from ons_bigdata.prices.sources.scraping.pages import PageKeeper
from ons_bigdata.prices.sources.scraping.spiders import SPIDERS, RetailerSpider

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Crawl by the arguments; return 0 once the outcome is written: a run, or the reason why there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="retailer file")
    parser.add_argument("--spool", type=Path, required=True, help="folder for pages, quotes and outcome")
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="day that is to be collected")
    parser.add_argument("--agent", required=True, help="user agent, with a contact")
    parser.add_argument("--after", type=datetime.fromisoformat, help="start of the retailer's latest run, with offset")
    parser.add_argument("--parent", type=int, required=True, help="process that waits for the crawl")
    wanted = parser.parse_args(arguments)
    file, agent = read_retailer_file(wanted.file), wanted.agent
    with PageKeeper(wanted.spool / PAGES) as keeper:
        robots = file.contact_reason.strip() or "obeyed"
        keeper.describe({"software": agent, "robots": robots, "retailer-file": json.dumps(wanted.file.read_text())})
        process = CrawlerProcess(scrapy_settings(file, agent))
        crawler = process.create_crawler(SPIDERS[file.page_kind])
        state = CrawlState(
            file,
            keeper,
            agent=agent,
            day=wanted.day,
            after=wanted.after,
            journal=wanted.spool / JOURNAL,
        )
        process.crawl(crawler, state=state, parent=wanted.parent)
        process.start()
        spider = crawler.spider
        if not isinstance(spider, RetailerSpider):
            raise TypeError("the crawl ended before its spider began")
        if isinstance(spider.failure, RefusedError):
            write_durably(wanted.spool / OUTCOME, json.dumps({"refused": str(spider.failure)}).encode())
            return 0
        if spider.failure is not None:
            raise spider.failure
        if spider.record.finish_reason == "killed":
            return 1
        keeper.finish()
    rows = [row for tally in spider.tallies for row in tally.rows(file.retailer, spider.record.run_id)]
    write_durably(wanted.spool / QUOTES, write_quotes(rows) if rows else b"")
    write_durably(wanted.spool / OUTCOME, json.dumps(_outcome(spider, len(rows)), default=str).encode())
    return 0


def _outcome(spider: RetailerSpider, rows: int) -> dict[str, Any]:
    records = [record for tally in spider.tallies for record in tally.records()] + spider.others
    failures = [
        asdict(failure)
        for failure in [*spider.navigation_failures, *(one for tally in spider.tallies for one in tally.failures)]
    ]
    run = {
        **spider.record.to_dict(),
        "bytes_received": spider.state.keeper.bytes_received,
        "pages_kept": spider.state.keeper.pages,
        "rows": rows,
    }
    return {"run": run, "categories": [record.to_dict() for record in records], "failures": failures}


def write_durably(path: Path, content: bytes) -> None:
    """Write through a temporary file, fsync and rename: under its name a file is whole or not there."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(path)


if __name__ == "__main__":
    code = main()
    gc.freeze()  # otherwise the process, before it ends, looks through all that was imported for garbage
    sys.exit(code)
