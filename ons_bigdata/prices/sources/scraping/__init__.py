"""Scraping over HTTP: polite crawls of a retailer's categories, storage of their pages, extraction of listings.

`launch` starts a crawl in a separate process and reads its outcome; `extraction` is pure and also runs on kept pages.
"""

PARSER_VERSION = "7"
"""Recorded with each run: raise it with every change of what is read from a page."""
