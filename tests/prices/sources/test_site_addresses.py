"""Addresses that a crawl may connect to: golden refusals, in retailer files and at each connection."""

from __future__ import annotations

import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.site_addresses import refusal_of, require_address
from tests.prices.sources.scraping.pages_of_shops import retailer

PRIVATE = (
    *("169.254.169.254", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "127.0.0.1"),  # noqa: S104
    *("fd00::1", "fe80::1%eth0", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"),
    *("168.63.129.16", "192.0.0.8", "192.88.99.1", "198.18.0.1", "100.100.100.200", "240.0.0.1", "255.255.255.255"),
    *("fec0::1", "fd00:ec2::254", "2001:0:53aa:64c::1", "64:ff9b:1::a00:1", "::127.0.0.1", "3fff::1", "2001:db8::1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_connection_of_a_public_site_goes_to_a_private_address(address: str) -> None:
    assert refusal_of(address, is_loopback=False) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses_are_for_public_sites_alone(address: str) -> None:
    assert refusal_of(address, is_loopback=False) is None
    assert refusal_of(address, is_loopback=True) is not None


def test_a_site_on_this_machine_connects_to_this_machine_alone() -> None:
    assert [refusal_of(one, is_loopback=True) for one in ("127.0.0.1", "::1")] == [None, None]
    assert refusal_of("10.0.0.1", is_loopback=True) is not None


HOSTS = (
    *("169.254.169.254", "10.1.2.3", "[fd00::1]", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"),  # noqa: S104
    *("[::ffff:127.0.0.1]", "[::]", "192.168.0.1", "shop.localhost", "0x7f.1", "017700000001"),
    *("１２７.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "%31%32%37.0.0.1", "localhost.", "shop.localhost.", "127.0.0.1."),
    *("shop example", "-shop.example", "..", "a..b", "a" * 254),
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_retailer_file_names_no_private_host(host: str) -> None:
    with pytest.raises(InputError, match="site: host"):
        retailer("html_list", site=f"https://{host}", clock="real", delay_s=2)
    with pytest.raises(ValueError, match="host"):
        require_address(f"https://{host}/x", is_loopback=False)


def test_host_names_pass_and_are_checked_when_they_are_resolved() -> None:
    require_address("https://shop.example/x", is_loopback=False)
    assert not retailer("html_list", site="https://shop.example", clock="real", delay_s=2).is_loopback
    assert retailer("html_list", site="http://localhost:80").is_loopback
