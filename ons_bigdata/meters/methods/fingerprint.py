"""Hash of the models and parameters behind a judgement, which changes with any of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

HEX_DIGITS = 16


def fingerprint(*parts: object) -> str:
    """First 16 hex digits of SHA-256 of models (dataclasses), arrays and JSON values, in their order.

    Raises TypeError for a value of another type.
    """
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()[:HEX_DIGITS]


def _add(digest: Any, value: object) -> None:  # noqa: ANN401  (hashlib has no type for it)
    if is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__name__.encode() + b"{")
        for field in fields(value):
            digest.update(field.name.encode() + b":")
            _add(digest, getattr(value, field.name))
        digest.update(b"}")
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    else:
        digest.update(json.dumps(value, sort_keys=True).encode() + b";")
