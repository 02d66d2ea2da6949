"""The files of a segment: list, hints, vectors, check vectors."""

from __future__ import annotations

import math
import re
import struct
from typing import NamedTuple

from envelope import DIGEST_BYTES, ID_BYTES, PREFIX_BYTES, Kind, check_prefix
from errors import require
from mapping import BLOCK_IMAGES, SEGMENT_IMAGES, Segment

EXTENSION_BYTES = 8
EXTENSION = re.compile(rb"[a-z0-9]{1,8}")
LIST_START = PREFIX_BYTES + ID_BYTES + 8
LIST_ENTRY_BYTES = ID_BYTES + DIGEST_BYTES + EXTENSION_BYTES
COMPANIONS_PER_IMAGE = 16
SLOT_BYTES = 2
LIST_MOST_BYTES = LIST_START + SEGMENT_IMAGES * ((1 + COMPANIONS_PER_IMAGE) * LIST_ENTRY_BYTES + SLOT_BYTES)

HINT_BYTES = 65_536
HINT_ENTRY_BYTES = 32 + 4 + HINT_BYTES
CIPHERTEXT_BYTES_PER_DIMENSION = 2048
CHECKS = struct.Struct("<QQ16s")
CHECK_VECTOR_BYTES_PER_DIMENSION = 512

# Rounding to binary16 changes each number by at most 2^-11 of itself, so the length by no more than that. Numbers
# below 2^-14 are rounded more coarsely, by at most 2^-25 each: for 16,384 of them 2^-18.
LENGTH_TOLERANCE = 2**-11 + 2**-18


class Listed(NamedTuple):
    """A file in encrypted_images."""

    id: bytes
    digest: bytes
    extension: str

    @property
    def path(self) -> str:
        return f"encrypted_images/{self.id.hex()}.{self.extension}.aes"


class SegmentList(NamedTuple):
    images: list[Listed]
    companions: list[Listed]


def parse_list(data: bytes, segment: Segment) -> SegmentList:
    require(len(data) >= LIST_START, f"{len(data)} bytes are too short")
    check_prefix(data, Kind.LIST)
    require(data[PREFIX_BYTES : PREFIX_BYTES + ID_BYTES] == segment.id, "belongs to another segment")
    images, companions = struct.unpack_from("<II", data, PREFIX_BYTES + ID_BYTES)
    require(images == segment.images, f"{images} images, expected {segment.images}")
    require(companions <= COMPANIONS_PER_IMAGE * images, f"{companions} companions of {images} images")
    entries_end = LIST_START + (images + companions) * LIST_ENTRY_BYTES
    expected = entries_end + images * SLOT_BYTES
    require(len(data) == expected, f"{len(data)} bytes, expected {expected}")
    entries = [_listed(data, start) for start in range(LIST_START, entries_end, LIST_ENTRY_BYTES)]
    ids = [entry.id for entry in entries]
    require(len(set(ids)) == len(ids), "two files have the same id")
    require(ids[images:] == sorted(ids[images:]), "companions are not in ascending order")
    slots = struct.unpack_from(f"<{images}H", data, entries_end)
    by_id = sorted(range(images), key=lambda slot: ids[slot])
    require(list(slots) == by_id, "slots are not in ascending order of their ids")
    return SegmentList(entries[:images], entries[images:])


def _listed(data: bytes, start: int) -> Listed:
    identity, file_digest, padded = struct.unpack_from("<16s32s8s", data, start)
    extension = padded.rstrip(b"\0")
    require(EXTENSION.fullmatch(extension) is not None, "an extension is not 1 to 8 letters and digits")
    return Listed(identity, file_digest, extension.decode("ascii"))


def ciphertext_bytes(segment: Segment, dimension: int) -> int:
    return segment.blocks * CIPHERTEXT_BYTES_PER_DIMENSION * dimension


def hints_bytes(segment: Segment) -> int:
    return PREFIX_BYTES + segment.blocks * HINT_ENTRY_BYTES


def nonces(data: bytes, segment: Segment) -> list[bytes]:
    """One for each block of the hints, whose length was checked."""
    check_prefix(data, Kind.HINTS)
    found = []
    for number in range(segment.blocks):
        nonce, images = struct.unpack_from("<32sI", data, PREFIX_BYTES + number * HINT_ENTRY_BYTES)
        expected = min(BLOCK_IMAGES, segment.images - number * BLOCK_IMAGES)
        require(images == expected, f"block {number} has {images} images, expected {expected}")
        found.append(nonce)
    return found


def vectors_bytes(segment: Segment, dimension: int) -> int:
    return segment.images * dimension * 2


def check_vectors(content: bytes, dimension: int, without: list[bool]) -> None:
    """Each is of unit length, or of zeros if the record of its image says that it has none."""
    for slot, is_without in enumerate(without):
        start = slot * dimension * 2
        if is_without:
            zeros = not any(content[start : start + dimension * 2])
            require(zeros, f"the image in slot {slot} has a vector, but its record says that it has none")
            continue
        numbers = struct.unpack_from(f"<{dimension}e", content, start)
        require(all(map(math.isfinite, numbers)), f"the vector in slot {slot} is not finite")
        length = math.sqrt(math.fsum(number * number for number in numbers))
        require(abs(length - 1) <= LENGTH_TOLERANCE, f"the vector in slot {slot} has length {length:.6f}")


def checks_bytes(dimension: int) -> int:
    return CHECKS.size + CHECK_VECTOR_BYTES_PER_DIMENSION * dimension


def check_checks(content: bytes, nonces_of_blocks: list[bytes]) -> None:
    """Number and sum follow from the hints. The vectors themselves need the engine."""
    _epoch, count, total = CHECKS.unpack_from(content)
    blocks = len(nonces_of_blocks)
    require(count == blocks, f"check vectors of {count} blocks, expected {blocks}")
    expected = sum(int.from_bytes(nonce[:16], "little") for nonce in nonces_of_blocks) % 2**128
    require(int.from_bytes(total, "little") == expected, "the sum of the nonces is not that of the hints")
