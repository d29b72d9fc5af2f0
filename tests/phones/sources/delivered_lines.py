"""Rows of a long file of flows, for tests."""

from __future__ import annotations

from tests.phones.specifications import SPEC

HEADER = (
    "provider,spec_id,period_start,period_end,origin_code,dest_code,geography,segment,day_type,devices,persons,"
    "method_version"
)


def line(origin: str, destination: str, devices: str, **other: str) -> str:
    """Return a row of a long file."""
    fields = {
        "provider": "alpha",
        "spec_id": SPEC.spec_id,
        "period_start": "2021-03-01",
        "period_end": "2021-03-31",
        "origin_code": origin,
        "dest_code": destination,
        "geography": "MSOA11",
        "segment": "all",
        "day_type": "weekday",
        "devices": devices,
        "persons": "",
        "method_version": "v1",
        **other,
    }
    return ",".join(f'"{value}"' if "," in value else value for value in fields.values())


def long_file(*lines: str, header: str = HEADER, start: bytes = b"") -> bytes:
    """Return a long file of these rows."""
    return start + "\n".join([header, *lines, ""]).encode()
