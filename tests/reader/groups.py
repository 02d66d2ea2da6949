"""By which photos are recognised that are in a group already: `.tags`."""

from __future__ import annotations

import struct
from typing import NamedTuple

from envelope import Kind, file_bytes, open_file
from errors import Damaged, require
from keys import KeyTree
from mapping import Group

PAGE_ENTRIES = 64
ENTRY = struct.Struct("<32s16sI")


class Entry(NamedTuple):
    content: bytes
    image: bytes
    # In the group.
    segment: int


def _page_entries(group: Group) -> list[int]:
    """How many entries each page has."""
    return [min(PAGE_ENTRIES, group.images - first) for first in range(0, group.images, PAGE_ENTRIES)]


def tags_bytes(group: Group) -> int:
    return sum(file_bytes(entries * ENTRY.size) for entries in _page_entries(group))


def parse_tags(data: bytes, group: Group, keys: KeyTree) -> list[Entry]:
    """Of a file whose length was checked."""
    key = keys.derive("tags", group.id)
    found: list[Entry] = []
    position = 0
    for number, entries in enumerate(_page_entries(group)):
        length = file_bytes(entries * ENTRY.size)
        bound_to = keys.vault + group.id + struct.pack("<I", number)
        try:
            content = open_file(data[position : position + length], Kind.TAGS, key, bound_to)
        except Damaged as damage:
            raise Damaged(f"page {number}: {damage}") from None
        require(len(content) == entries * ENTRY.size, f"page {number} has {len(content)} bytes of content")
        found += [Entry(*entry) for entry in ENTRY.iter_unpack(content)]
        position += length
    contents = [entry.content for entry in found]
    require(contents == sorted(set(contents)), "entries are not in ascending order, or one is there twice")
    return found
