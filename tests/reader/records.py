"""What is known about each image."""

from __future__ import annotations

import dataclasses
import re
import struct

from envelope import ID_BYTES
from errors import Damaged, require
from fields import Field, parse_rows, refuse_critical, text_of

FOUND = 4
COMPANION = 14
REPEATABLE = frozenset({FOUND, COMPANION})
SINGLE = frozenset(range(1, 20)) - REPEATABLE
PATH_MOST_BYTES = 4096
TIME_UNKNOWN = 0xFFFF_FFFF
PLACE = struct.Struct("<16sqI")
COMPANION_START = struct.Struct("<B16s32sQ")
ORIGINS = {1: "EXIF", 2: "container", 3: "file name", 4: "sidecar", 5: "user"}
CAPTURED = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)"
    r"(\.\d{1,9})?([+-]([01]\d|2[0-3]):[0-5]\d)?",
    re.ASCII,
)
# Tags whose values always have the same length.
LENGTHS = {1: 16, 2: 32, 3: 8, 6: 8, 7: 1, 11: 20, 12: 12, 15: 8, 16: 8, 17: 20, 19: 8}


@dataclasses.dataclass
class Place:
    """Where a file was found."""

    source: bytes
    # Seconds and nanoseconds, or None if it is unknown.
    modified: tuple[int, int] | None
    path: bytes

    @property
    def name(self) -> bytes:
        return self.path.rpartition(b"/")[2]


@dataclasses.dataclass
class Companion:
    role: int
    id: bytes
    content: bytes
    length: int
    place: Place


@dataclasses.dataclass
class Record:
    id: bytes
    content: bytes
    length: int
    found: list[Place]
    companions: list[Companion]
    captured: str | None = None
    captured_from: str | None = None
    media_type: str | None = None
    pixels: tuple[int, int] | None = None
    added: int | None = None
    removed: int | None = None
    # Part id and number in the part.
    thumbnail: tuple[bytes, int] | None = None
    without_vector: tuple[bytes, ...] = ()


def parse(content: bytes) -> list[Record]:
    """`content` after decompression."""
    return [_record(fields) for fields in parse_rows(content, SINGLE)]


def _record(fields: list[Field]) -> Record:
    refuse_critical(fields)
    single = {field.tag: field.value for field in fields if field.tag not in REPEATABLE}
    for tag, length in LENGTHS.items():
        value = single.get(tag)
        require(value is None or len(value) == length, f"field {tag} does not have {length} bytes")
    for tag in (1, 2, 3):
        require(tag in single, f"field {tag} is missing")
    record = Record(
        id=single[1],
        content=single[2],
        length=_u64(single[3]),
        found=[_place(field.value) for field in fields if field.tag == FOUND],
        companions=[_companion(field.value) for field in fields if field.tag == COMPANION],
    )
    require(len(record.found) >= 1, "a record says nowhere where its image was found")
    if 5 in single:
        require(len(single[5]) <= 127, "a media type is too long")
        record.media_type = text_of(single[5])
    if 6 in single:
        width, height = struct.unpack("<II", single[6])
        record.pixels = (width, height)
    if 7 in single:
        require(1 <= single[7][0] <= 8, f"orientation {single[7][0]}")
    if 8 in single:
        record.captured_from, record.captured = _captured(single[8])
    _check_camera(single)
    if 13 in single:
        require(1 <= len(single[13]) <= 65, "a perceptual hash has a length that is not allowed")
    record.added = _optional_time(single.get(15))
    record.removed = _optional_time(single.get(16))
    if 17 in single:
        (number,) = struct.unpack_from("<I", single[17], ID_BYTES)
        record.thumbnail = (single[17][:ID_BYTES], number)
    if 18 in single:
        record.without_vector = _spaces(single[18])
    return record


def _u64(value: bytes) -> int:
    return int.from_bytes(value, "little")


def _optional_time(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, "little", signed=True)


def check_path(path: bytes) -> None:
    require(1 <= len(path) <= PATH_MOST_BYTES, f"a path of {len(path)} bytes")
    names = path.split(b"/")
    safe = not any(name in (b"", b".", b"..") or b"\0" in name for name in names)
    require(safe, "a path could lead out of its folder")


def _place(value: bytes) -> Place:
    require(len(value) > PLACE.size, "a place is too short")
    source, seconds, nanoseconds = PLACE.unpack_from(value)
    path = value[PLACE.size :]
    check_path(path)
    if nanoseconds == TIME_UNKNOWN:
        require(seconds == 0, "an unknown time has seconds")
        return Place(source, None, path)
    require(nanoseconds < 10**9, f"{nanoseconds} nanoseconds")
    return Place(source, (seconds, nanoseconds), path)


def _companion(value: bytes) -> Companion:
    require(len(value) > COMPANION_START.size, "a companion is too short")
    role, identity, content, length = COMPANION_START.unpack_from(value)
    return Companion(role, identity, content, length, _place(value[COMPANION_START.size :]))


def _captured(value: bytes) -> tuple[str, str]:
    require(len(value) >= 1, "a date has no origin")
    text = text_of(value[1:])
    require(CAPTURED.fullmatch(text) is not None, "a date is not written as it must be")
    return ORIGINS.get(value[0], f"origin {value[0]}"), text


def _check_camera(single: dict[int, bytes]) -> None:
    if 9 in single:
        require(len(single[9]) <= 512, "a camera is too long")
        names = single[9].split(b"\0")
        require(len(names) == 2, "a camera is not a maker and a model")
        for name in names:
            text_of(name)
    if 10 in single:
        require(len(single[10]) <= 512, "a lens is too long")
        text_of(single[10])


def _spaces(value: bytes) -> tuple[bytes, ...]:
    require(len(value) >= ID_BYTES and len(value) % ID_BYTES == 0, "ids of spaces are missing or cut off")
    spaces = tuple(value[start : start + ID_BYTES] for start in range(0, len(value), ID_BYTES))
    if list(spaces) != sorted(set(spaces)):
        raise Damaged("ids of spaces are not in ascending order")
    return spaces
