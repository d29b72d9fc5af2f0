"""Addresses that a crawl may connect to: public ones; loopback only for a site that is on this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_REFUSED = [
    ipaddress.ip_network(network)
    for network in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20")
]
"""Networks that some versions of `ipaddress` count as public: a cloud's host, protocols, 6to4 relays, documents."""

_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")
_LOOKS_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address. Raises ValueError for a port that is none."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or (443 if parts.scheme == "https" else 80)


def is_loopback_host(host: str) -> bool:
    """True if a host name denotes this machine: `localhost`, or a loopback address as it is usually written."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refusal_of(address: str, *, is_loopback: bool) -> str | None:
    """Return why a connection to an IP address is refused; None where it is allowed.

    `is_loopback`: the site is on this machine. Then only loopback addresses are allowed, else only public ones.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address!r} is no IP address"
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.ip_network("64:ff9b::/96"):
        mapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    checked = mapped or ip
    if is_loopback:
        return None if ip.is_loopback else f"{address} is not on this machine, where the site is"
    is_refused = any(checked in network for network in _REFUSED if network.version == checked.version)
    if is_refused or not checked.is_global or checked.is_multicast or checked.is_reserved:
        return f"{address} is not a public address"
    return None


def require_address(url: str, *, is_loopback: bool) -> None:
    """Raise ValueError for a URL whose host is an address that is refused, or written in an unusual notation.

    A host name passes: its addresses are checked when it is resolved.
    """
    host = urlsplit(url).hostname or ""
    if is_loopback_host(host) and is_loopback:
        return
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError as error:
        if _LOOKS_NUMERIC.fullmatch(host):
            raise ValueError(f"host {host!r}: expected a host name, or an address such as 203.0.113.7") from error
        if host.rstrip(".").rpartition(".")[2] == "localhost":
            raise ValueError(f"host {host!r} is on this machine") from error
        if len(host) > 253 or _HOST_NAME.fullmatch(host) is None:
            raise ValueError(f"host {host!r}: expected a host name in ASCII, as xn--… where it has others") from error
        return
    if (refusal := refusal_of(host, is_loopback=is_loopback)) is not None:
        raise ValueError(f"host {refusal}")
