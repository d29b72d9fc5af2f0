"""Smaller text of drawings: what an image has no use for is left out, coordinates have a tenth of a pixel."""

from __future__ import annotations

import re

_DRAWN = re.compile(r' (?:d|transform|x[12]|y[12]|stroke-width)="[^"]*"')
"""Attributes of an SVG that hold coordinates."""
_NOT_SEEN = re.compile(r' (?:class|role|aria-[a-z]+|pointer-events)="[^"]*"| opacity="1"')
"""Attributes that an SVG inside an image has no use for."""
_GRADIENT = re.compile(r'id="(gradient_[0-9]+)"')
_LONG_NUMBER = re.compile(r"\d+\.\d\d+")


def slim_svg(svg: str) -> str:
    """SVG without classes and roles, coordinates rounded to a tenth of a pixel; texts stay as they are.

    Gradients, which the renderer counts over all drawings of a process, are named by their place in this one.
    """
    for number, name in enumerate(dict.fromkeys(_GRADIENT.findall(svg))):
        svg = svg.replace(f'"{name}"', f'"shade_{number}"').replace(f"#{name})", f"#shade_{number})")
    return _DRAWN.sub(_round_coordinates, _NOT_SEEN.sub("", svg))


def _round_coordinates(attribute: re.Match[str]) -> str:
    return _LONG_NUMBER.sub(lambda number: f"{float(number.group()):.1f}", attribute.group())
