"""Scraping over HTTP: polite crawls of one retailer's categories, their pages kept, their listings extracted.

`launch` starts a crawl in a process of its own and reads its outcome; `extraction` is pure and runs on kept pages too.
"""

PARSER_VERSION = "4"
"""Recorded with each run: raise it with every change of what is read from a page."""
