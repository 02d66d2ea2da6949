"""Lists of rows with tagged fields, compressed: the content of `.records` and `.table`."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from envelope import file_bytes
from errors import Damaged, require

UNCOMPRESSED_MOST_BYTES = 64 << 20
# What does not compress becomes a little longer.
FILE_MOST_BYTES = file_bytes(UNCOMPRESSED_MOST_BYTES + UNCOMPRESSED_MOST_BYTES // 1000 + 1024)
ROWS_MOST = 1024
ROW_MOST_BYTES = 65_528
CRITICAL = 32_768
FIELD = struct.Struct("<HI")


class Field(NamedTuple):
    tag: int
    value: bytes


def inflate(data: bytes) -> bytes:
    """Raw DEFLATE (RFC 1951), at most 64 MiB, with nothing after it."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data, UNCOMPRESSED_MOST_BYTES + 1)
    except zlib.error:
        raise Damaged("is not compressed as it must be") from None
    require(len(content) <= UNCOMPRESSED_MOST_BYTES, "has too much content")
    require(inflater.eof, "its compressed data is cut off")
    require(not inflater.unused_data, "has bytes after its compressed data")
    return content


def parse_rows(content: bytes, single: frozenset[int]) -> list[list[Field]]:
    """`single`: tags that may not be repeated. Whether one of a later version may be is not known."""
    require(len(content) >= 4, "has no number of rows")
    (count,) = struct.unpack_from("<I", content)
    require(count <= ROWS_MOST, f"{count} rows")
    position = 4
    rows = []
    for _ in range(count):
        require(position + 4 <= len(content), "a row is cut off")
        (length,) = struct.unpack_from("<I", content, position)
        position += 4
        require(length <= ROW_MOST_BYTES, f"a row of {length} bytes")
        require(position + length <= len(content), "a row is cut off")
        rows.append(list(_fields(content[position : position + length], single)))
        position += length
    require(position == len(content), f"{len(content) - position} bytes after the last row")
    return rows


def _fields(row: bytes, single: frozenset[int]) -> Iterator[Field]:
    position = 0
    before = -1
    while position < len(row):
        require(position + FIELD.size <= len(row), "a field is cut off")
        tag, length = FIELD.unpack_from(row, position)
        position += FIELD.size
        require(position + length <= len(row), f"field {tag} is cut off")
        require(tag >= before, f"field {tag} comes after field {before}")
        require(tag != before or tag not in single, f"field {tag} is repeated")
        yield Field(tag, row[position : position + length])
        position += length
        before = tag


def refuse_critical(fields: list[Field]) -> None:
    for field in fields:
        require(field.tag < CRITICAL, f"field {field.tag} needs a newer reader")


def text_of(value: bytes) -> str:
    """UTF-8 without NUL."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise Damaged("a text is not UTF-8") from None
    require("\0" not in text, "a text has a NUL")
    return text
