"""The resolver of a crawl: addresses of a host name are checked at every connection."""

# ruff: noqa: N802  (names as in Twisted)
from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address

from ons_bigdata.prices.sources.scraping.middlewares import CheckedResolver

ADDRESSES = ("93.184.216.34", "10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00::1", "::ffff:127.0.0.1", "::1")


class Reactor:
    """A reactor whose names lead to every kind of address."""

    def __init__(self) -> None:
        self.nameResolver: Any = self

    def resolveHostName(self, receiver: Any, *_where: object) -> None:
        receiver.resolutionBegan(None)
        for host in ADDRESSES:
            receiver.addressResolved((IPv6Address if ":" in host else IPv4Address)("TCP", host, 443))
        receiver.resolutionComplete()

    def installNameResolver(self, resolver: Any) -> None:
        self.nameResolver = resolver


class Receiver:
    """Receiver of the addresses of a resolution, as a connection is."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.is_complete = False

    def resolutionBegan(self, _resolution: object) -> None:
        """Nothing to note."""

    def addressResolved(self, address: Any) -> None:
        self.hosts.append(address.host)

    def resolutionComplete(self) -> None:
        self.is_complete = True


@pytest.mark.parametrize(("is_loopback", "hosts"), [(False, ["93.184.216.34"]), (True, ["127.0.0.1", "::1"])])
def test_a_name_leads_to_allowed_addresses_only(is_loopback: bool, hosts: list[str]) -> None:
    reactor: Any = Reactor()
    CheckedResolver(reactor, is_loopback=is_loopback).install_on_reactor()
    receiver = Receiver()
    for _ in range(2):  # at each connection: nothing is kept from the first
        reactor.nameResolver.resolveHostName(receiver, "shop.example", portNumber=443)
    assert receiver.hosts == hosts * 2
    assert receiver.is_complete
