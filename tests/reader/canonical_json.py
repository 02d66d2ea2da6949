"""JSON in exactly one form: two spaces a level, fields in a fixed order, whole numbers only."""

from __future__ import annotations

import json
import string
from typing import Any, NoReturn

from errors import Damaged, require

U64_MOST = 2**64 - 1


def serialise(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8")


def _refuse(text: str) -> NoReturn:
    raise Damaged(f"{text} is not a whole number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    require(len(fields) == len(pairs), "a field is there twice")
    return fields


def parse(data: bytes) -> Any:
    """Refuses everything but the bytes that `serialise` makes of the value: no newline at the end."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)
        same = serialise(value) == data
    except (ValueError, RecursionError):
        raise Damaged("is not JSON") from None
    require(same, "is JSON, but not in the only form that is accepted")
    return value


class Fields:
    """Takes the fields of an object, which must be exactly these in this order."""

    def __init__(self, value: Any, *names: str) -> None:
        require(isinstance(value, dict), "expected an object")
        require(list(value) == list(names), f"fields {', '.join(value)}; expected {', '.join(names)}")
        self._value: dict[str, Any] = value

    def raw(self, name: str) -> Any:
        return self._value[name]

    def text(self, name: str, least_bytes: int = 0, most_bytes: int = 256) -> str:
        value = self._value[name]
        require(isinstance(value, str), f"{name} is not a text")
        require(least_bytes <= len(value.encode()) <= most_bytes, f"{name} has a length that is not allowed")
        return str(value)

    def number(self, name: str, least: int = 0, most: int = U64_MOST) -> int:
        value = self._value[name]
        require(type(value) is int, f"{name} is not a number")
        require(least <= value <= most, f"{name} is {value}, expected {least} to {most}")
        return int(value)

    def list(self, name: str) -> list[Any]:
        value = self._value[name]
        if not isinstance(value, list):
            raise Damaged(f"{name} is not a list")
        return value

    def hexadecimal(self, name: str, count: int) -> bytes:
        return hexadecimal(self._value[name], count)

    def optional_hexadecimal(self, name: str, count: int) -> bytes | None:
        return None if self._value[name] is None else self.hexadecimal(name, count)


def hexadecimal(value: Any, count: int) -> bytes:
    """So many bytes in lower-case hexadecimal digits."""
    allowed = set(string.digits + "abcdef")
    require(
        isinstance(value, str) and len(value) == 2 * count and set(value) <= allowed,
        f"expected {2 * count} lower-case hexadecimal digits",
    )
    return bytes.fromhex(value)
