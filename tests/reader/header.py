"""The file `header`: cost and salt of Argon2id, and slots with the wrapped master key."""

from __future__ import annotations

import struct
from typing import NamedTuple

from envelope import MAGIC, Kind, open_sealed
from errors import Damaged, require
from keys import Cost, KeyTree, key_encryption_key

VERSION = 2
FIXED = struct.Struct("<8sBB16sIII32s")
SLOT = struct.Struct("<B8sH")
SLOTS_MOST = 64
BODY_MOST_BYTES = 4096
MOST_BYTES = FIXED.size + 2 + SLOTS_MOST * (SLOT.size + BODY_MOST_BYTES)
PASSPHRASE_SLOT = 1
WRAPPED_KEY_BYTES = 96
MASTER_KEY_BYTES = 32


class Slot(NamedTuple):
    kind: int
    id: bytes
    body: bytes


class Header(NamedTuple):
    vault: bytes
    cost: Cost
    salt: bytes
    slots: list[Slot]
    # The bytes before the number of slots.
    fixed: bytes

    def open(self, passphrase: bytes) -> KeyTree | None:
        """Tries the passphrase slots in their order. None if the passphrase opens none of them."""
        wrapping = key_encryption_key(passphrase, self.salt, self.cost)
        for slot in self.slots:
            if slot.kind != PASSPHRASE_SLOT:
                continue
            try:
                master_key = open_sealed(slot.body, wrapping, self.fixed + bytes([slot.kind]) + slot.id)
            except Damaged:
                continue
            require(len(master_key) == MASTER_KEY_BYTES, f"a master key of {len(master_key)} bytes")
            return KeyTree(master_key, self.vault)
        return None


def parse(data: bytes) -> Header:
    require(len(data) >= FIXED.size + 2, f"{len(data)} bytes are too short")
    magic, version, kind, vault, memory_kib, passes, lanes, salt = FIXED.unpack_from(data)
    require(magic == MAGIC, "does not begin with CIPHLENS")
    require(version == VERSION, f"version {version}, expected {VERSION}")
    require(kind == Kind.HEADER, f"kind {kind}, expected {int(Kind.HEADER)}")
    cost = Cost(memory_kib, passes, lanes)
    require(cost.allowed(), f"{cost} is outside of the limits")
    (count,) = struct.unpack_from("<H", data, FIXED.size)
    require(1 <= count <= SLOTS_MOST, f"{count} slots")
    position = FIXED.size + 2
    slots: list[Slot] = []
    for _ in range(count):
        require(position + SLOT.size <= len(data), "a slot is cut off")
        kind, identity, length = SLOT.unpack_from(data, position)
        position += SLOT.size
        require(length <= BODY_MOST_BYTES, f"a slot of {length} bytes")
        require(position + length <= len(data), "a slot is cut off")
        require(
            kind != PASSPHRASE_SLOT or length == WRAPPED_KEY_BYTES,
            f"a passphrase slot of {length} bytes, expected {WRAPPED_KEY_BYTES}",
        )
        slots.append(Slot(kind, identity, data[position : position + length]))
        position += length
    require(position == len(data), f"{len(data) - position} bytes after the last slot")
    require(len({slot.id for slot in slots}) == len(slots), "two slots have the same id")
    return Header(vault, cost, salt, slots, data[: FIXED.size])
