"""Thumbnails, encrypted one by one in the parts of a pack."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from envelope import PREFIX_BYTES, Kind, check_prefix, content_of, open_sealed, padme, prefix, sealed_bytes
from errors import Damaged, require
from folder import THUMBNAILS, StoredFile, digest, name_of
from keys import KeyTree
from mapping import PARTS_MOST, Pack

PART = struct.Struct("<16sQI32s32s")
INDEX_ENTRY = struct.Struct("<16sI")
INDEX_ENTRIES_MOST = 65_536
INDEX_MOST_BYTES = sealed_bytes(padme(8 + INDEX_ENTRIES_MOST * INDEX_ENTRY.size))
PARTS_START = PREFIX_BYTES + 4
PARTS_MOST_BYTES = PARTS_START + PARTS_MOST * PART.size
JPEG_START = b"\xff\xd8"


class Part(NamedTuple):
    id: bytes
    length: int
    index_bytes: int
    index_digest: bytes
    digest: bytes
    # In the pack.
    offset: int


class Thumbnail(NamedTuple):
    id: bytes
    # In the pack. 0 bytes if it was dropped.
    offset: int
    length: int


def parts_path(pack: Pack) -> str:
    return f"{THUMBNAILS}/{name_of(pack.list_digest)}.parts"


def pack_path(pack: Pack) -> str:
    return f"{THUMBNAILS}/{name_of(pack.list_digest)}.pack"


def parts_bytes(pack: Pack) -> int:
    return PARTS_START + pack.parts * PART.size


def parse_parts(data: bytes, pack: Pack) -> list[Part]:
    """Of a file whose length was checked."""
    check_prefix(data, Kind.PARTS)
    (count,) = struct.unpack_from("<I", data, PREFIX_BYTES)
    require(count == pack.parts, f"{count} parts, expected {pack.parts}")
    parts = []
    offset = 0
    for identity, length, index_bytes, index_digest, part_digest in PART.iter_unpack(data[PARTS_START:]):
        require(index_bytes <= min(length, INDEX_MOST_BYTES), f"an index of {index_bytes} bytes")
        parts.append(Part(identity, length, index_bytes, index_digest, part_digest, offset))
        offset += length
    require(offset == pack.length, f"parts of {offset} bytes, expected {pack.length}")
    return parts


def parse_index(file: StoredFile, part: Part, keys: KeyTree) -> list[Thumbnail]:
    sealed = file.read(part.offset, part.index_bytes)
    require(digest(sealed) == part.index_digest, "the digest of its index is not the one that it must have")
    associated_data = prefix(Kind.PACK_INDEX) + keys.vault + part.id
    content = content_of(open_sealed(sealed, keys.derive("pack", part.id), associated_data))
    require(len(content) % INDEX_ENTRY.size == 0, "its index is cut off")
    offset = part.offset + part.index_bytes
    thumbnails = []
    for identity, length in INDEX_ENTRY.iter_unpack(content):
        thumbnails.append(Thumbnail(identity, offset, length))
        offset += length
    require(1 <= len(thumbnails) <= INDEX_ENTRIES_MOST, f"{len(thumbnails)} thumbnails")
    ids = {thumbnail.id for thumbnail in thumbnails}
    require(len(ids) == len(thumbnails), "two thumbnails have the same id")
    padded = padme(offset - part.offset)
    require(padded == part.length, f"{part.length} bytes, expected {padded}")
    return thumbnails


def open_thumbnail(file: StoredFile, thumbnail: Thumbnail, keys: KeyTree) -> bytes:
    associated_data = prefix(Kind.THUMBNAIL) + keys.vault + thumbnail.id
    sealed = file.read(thumbnail.offset, thumbnail.length)
    content = content_of(open_sealed(sealed, keys.derive("thumbnail", thumbnail.id), associated_data))
    require(content.startswith(JPEG_START), "is not a JPEG file")
    return content


def verify_part(file: StoredFile, part: Part, keys: KeyTree) -> Iterator[Thumbnail]:
    """Every thumbnail of the part, after it was opened, also those that were dropped."""
    whole = file.digest(part.offset, part.length)
    require(whole == part.digest, "its digest is not the one that it must have")
    for number, thumbnail in enumerate(parse_index(file, part, keys)):
        if thumbnail.length > 0:
            try:
                open_thumbnail(file, thumbnail, keys)
            except Damaged as damage:
                raise Damaged(f"thumbnail {number}: {damage}") from None
        yield thumbnail
