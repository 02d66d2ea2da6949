"""Writes small vaults for the tests of the reader, from docs/vault-format.md as well.

Change what a test wants to be wrong between `Sample()` and `write`: digests, tags and the mapping follow from it.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import pathlib
import struct
import zlib
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import canonical_json
from envelope import Kind, ObjectKey, authentication_tag, padme, prefix
from folder import digest
from keys import Cost, KeyTree, key_encryption_key

PASSPHRASE = b"correct horse"
COST = Cost(19 * 1024, 1, 1)
DIMENSION = 128
JPEG = b"\xff\xd8 a thumbnail"
# More than 16 MiB, so in five chunks.
VIDEO_BYTES = (16 << 20) + 5


def identity(name: str) -> bytes:
    return digest(name.encode())[:16]


def seal(plaintext: bytes, key: ObjectKey, associated_data: bytes, iv: bytes | None = None) -> bytes:
    added = 16 - len(plaintext) % 16
    iv = os.urandom(16) if iv is None else iv
    encryptor = Cipher(algorithms.AES(key.aes), modes.CBC(iv)).encryptor()
    sealed = iv + encryptor.update(plaintext + bytes([added]) * added) + encryptor.finalize()
    return sealed + authentication_tag(key, associated_data, sealed)


def pad(content: bytes) -> bytes:
    plaintext = struct.pack("<Q", len(content)) + content
    return plaintext.ljust(padme(len(plaintext)), b"\0")


def deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(content) + compressor.flush()


def rows(rows_of_fields: list[list[tuple[int, bytes]]]) -> bytes:
    packed = struct.pack("<I", len(rows_of_fields))
    for fields in rows_of_fields:
        row = b"".join(struct.pack("<HI", tag, len(value)) + value for tag, value in fields)
        packed += struct.pack("<I", len(row)) + row
    return packed


class Sample:
    """Three images, the last of them a video with a sidecar and without a vector, or 1,024 small ones in a group."""

    def __init__(self, *, in_group: bool = False) -> None:
        self.vault = identity("vault")
        self.keys = KeyTree(identity("master") * 2, self.vault)
        self.space = identity("space")
        self.in_group = in_group
        self.images = [identity(f"image {number}") for number in range(1024 if in_group else 3)]
        self.originals = {image: b"original " + image for image in self.images}
        self.companions: list[bytes] = []
        number = 1 / math.sqrt(DIMENSION)
        self.vectors = [[number] * DIMENSION for _ in self.images]
        self.records = [self._record(slot) for slot in range(len(self.images))]
        if not in_group:
            self._add_video()
        # Two pages, with two generations of one number after a merge.
        self.history = [(number, digest(b"%d" % number) * 2) for number in range(1, 1026)]
        self.history.insert(1023, (1024, bytes(64)))
        self.parents = [self.history[-1][1]]
        # The second was dropped, and nothing names the third.
        self.thumbnails = [JPEG, b"", JPEG]
        self.dead = 1
        self.nonces = [os.urandom(32) for _ in range(-(-len(self.images) // 512))]
        self.sum_of_nonces = sum(int.from_bytes(nonce[:16], "little") for nonce in self.nonces) % 2**128
        self.slots = sorted(range(len(self.images)), key=lambda slot: self.images[slot])
        self.tag_entries = sorted(
            struct.pack("<32s16sI", self._content(self.originals[image]), image, 0) for image in self.images
        )
        self.files: dict[str, bytes] = {}

    def _content(self, original: bytes) -> bytes:
        mac_key = b"".join(self.keys.derive("content"))
        return hmac.new(mac_key, original, hashlib.sha256).digest()

    def _record(self, slot: int) -> list[tuple[int, bytes]]:
        image = self.images[slot]
        original = self.originals[image]
        place = struct.pack("<16sqI", bytes(16), 1_700_000_000 + slot, 5) + b"folder/photo %d.jpg" % slot
        record = [
            (1, image),
            (2, self._content(original)),
            (3, struct.pack("<Q", len(original))),
            (4, place),
            (8, b"\x012020-02-03T04:05:06.70-08:00"),
        ]
        if slot == 0:
            record.append((17, identity("part") + struct.pack("<I", 0)))
        return record

    def _add_video(self) -> None:
        video = self.images[2]
        self.originals[video] = b"frame" * (VIDEO_BYTES // 5) + b"f" * (VIDEO_BYTES % 5)
        sidecar = identity("sidecar")
        self.companions.append(sidecar)
        self.originals[sidecar] = b"<x:xmpmeta/>"
        place = struct.pack("<16sqI", bytes(16), 0, 0xFFFF_FFFF) + b"folder/photo 2.xmp"
        content = self._content(self.originals[sidecar])
        companion = struct.pack("<B16s32sQ", 4, sidecar, content, len(self.originals[sidecar])) + place
        self.records[2] = [*self._record(2), (14, companion), (18, self.space)]
        self.vectors[2] = [0.0] * DIMENSION

    def write(self, path: pathlib.Path) -> None:
        header = self._header()
        segment = self._segment()
        groups: list[Any] = []
        if self.in_group:
            groups.append(self._group(segment))
        mapping: dict[str, Any] = {
            "format": "cipherlens mapping 3",
            "vault": self.vault.hex(),
            "generation": self.history[-1][0] + 1,
            "parents": [parent.hex() for parent in self.parents],
            "header": digest(header).hex(),
            "spaces": [self._space()],
            "groups": groups,
            "segments": [] if self.in_group else [segment],
            "packs": [self._pack()],
            "tables": [self._sources(), self._history()],
        }
        tag = self.keys.mapping_tag(canonical_json.serialise(mapping))
        mapping["tag"] = tag.hex()
        self.files["header"] = header
        self.files["mapping.json"] = canonical_json.serialise(mapping) + b"\n"
        for name, data in self.files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def _header(self) -> bytes:
        salt = bytes(32)
        fixed = b"CIPHLENS" + bytes([2, 1]) + self.vault + struct.pack("<III", *COST) + salt
        slot = bytes([1]) + bytes(8)
        wrapping = key_encryption_key(PASSPHRASE, salt, COST)
        body = seal(identity("master") * 2, wrapping, fixed + slot)
        return fixed + struct.pack("<H", 1) + slot + struct.pack("<H", len(body)) + body

    def _space(self) -> dict[str, Any]:
        return {
            "id": self.space.hex(),
            "network": "resnet50",
            "weights": "w",
            "preprocessing": "p",
            "precision": "f32",
            "basis": None,
            "threshold": 800,
            "public_context": (b"CLCK" + bytes([1, 2]) + struct.pack("<H", DIMENSION) + bytes(32)).hex(),
        }

    def _feature(self, extension: str, data: bytes) -> str:
        """The digest of a file that is written as well."""
        self.files[f"encrypted_features/{digest(data)[:16].hex()}.{extension}"] = data
        return digest(data).hex()

    def _sealed(self, content: bytes, kind: Kind, purpose: str, object_id: bytes, bound_to: bytes = b"") -> bytes:
        start = prefix(kind)
        key = self.keys.derive(purpose, object_id)
        return start + seal(pad(content), key, start + self.vault + object_id + bound_to)

    def _original(self, image: bytes) -> bytes:
        content = self.originals[image]
        if len(content) <= 16 << 20:
            return self._sealed(content, Kind.ORIGINAL, "photo", image)
        plaintext = pad(content)
        start = prefix(Kind.CHUNKED_ORIGINAL)
        chunks = [plaintext[first : first + (4 << 20)] for first in range(0, len(plaintext), 4 << 20)]
        file = start
        for number, chunk in enumerate(chunks):
            position = struct.pack("<QB", number, number == len(chunks) - 1)
            associated_data = start + self.vault + image + position
            file += seal(chunk, self.keys.derive("photo", image), associated_data)
        return file

    def _segment(self) -> dict[str, Any]:
        segment = identity("segment")
        counts = struct.pack("<II", len(self.images), len(self.companions))
        listed = prefix(Kind.LIST) + segment + counts
        for image in self.images + sorted(self.companions):
            original = self._original(image)
            self.files[f"encrypted_images/{image.hex()}.jpg.aes"] = original
            listed += image + digest(original) + b"jpg".ljust(8, b"\0")
        listed += struct.pack(f"<{len(self.slots)}H", *self.slots)
        hints = prefix(Kind.HINTS)
        for number, nonce in enumerate(self.nonces):
            hints += nonce + struct.pack("<I", min(512, len(self.images) - 512 * number)) + bytes(65_536)
        vectors = b"".join(struct.pack(f"<{DIMENSION}e", *vector) for vector in self.vectors)
        records = deflate(rows(self.records))
        return {
            "id": segment.hex(),
            "images": len(self.images),
            "list": self._feature("list", listed),
            "records": self._feature("records", self._sealed(records, Kind.RECORDS, "records", segment)),
            "features": [
                {
                    "ckks": self._feature("ckks", os.urandom(2048 * DIMENSION * len(self.nonces))),
                    "hints": self._feature("hints", hints),
                    "vectors": self._feature(
                        "vectors", self._sealed(vectors, Kind.VECTORS, "vectors", segment, self.space)
                    ),
                    "checks": None if self.in_group else self._checks(segment),
                }
            ],
        }

    def _checks(self, object_id: bytes) -> str:
        content = struct.pack("<QQ", 0, len(self.nonces)) + self.sum_of_nonces.to_bytes(16, "little")
        # Numbers that the engine may have; they fit to no ciphertexts.
        content += bytes(512 * DIMENSION)
        return self._feature("checks", self._sealed(content, Kind.CHECKS, "checks", object_id, self.space))

    def _group(self, segment: dict[str, Any]) -> dict[str, Any]:
        group = identity("group")
        content = canonical_json.serialise({"group": group.hex(), "segments": [segment]})
        tags = b""
        for first in range(0, len(self.tag_entries), 64):
            page = b"".join(self.tag_entries[first : first + 64])
            tags += self._sealed(page, Kind.TAGS, "tags", group, struct.pack("<I", first // 64))
        return {
            "id": group.hex(),
            "segments": 1,
            "images": len(self.images),
            "list": self._feature("group", content),
            "copy": self._feature("copy", self._sealed(content, Kind.COPY, "group", group)),
            "tags": self._feature("tags", tags),
            "checks": [self._checks(group)],
        }

    def _pack(self) -> dict[str, Any]:
        part_id = identity("part")
        sealed = []
        index = b""
        for number, content in enumerate(self.thumbnails):
            thumbnail = identity(f"thumbnail {number}")
            file = self._sealed(content, Kind.THUMBNAIL, "thumbnail", thumbnail)[10:] if content else b""
            sealed.append(file)
            index += thumbnail + struct.pack("<I", len(file))
        sealed_index = self._sealed(index, Kind.PACK_INDEX, "pack", part_id)[10:]
        part = sealed_index + b"".join(sealed)
        part += os.urandom(padme(len(part)) - len(part))
        parts = prefix(Kind.PARTS) + struct.pack("<I", 1) + part_id
        parts += struct.pack("<QI", len(part), len(sealed_index)) + digest(sealed_index) + digest(part)
        name = digest(parts)[:16].hex()
        self.files[f"encrypted_thumbnails/{name}.parts"] = parts
        self.files[f"encrypted_thumbnails/{name}.pack"] = part
        return {
            "parts": 1,
            "bytes": len(part),
            "dead": self.dead,
            "list": digest(parts).hex(),
            "pack": digest(part).hex(),
        }

    def _history(self) -> dict[str, Any]:
        pages = []
        for first in range(0, len(self.history), 1024):
            page = [[(1, struct.pack("<Q", number)), (2, tag)] for number, tag in self.history[first : first + 1024]]
            bound_to = struct.pack("<I", first // 1024)
            sealed = self._sealed(deflate(rows(page)), Kind.TABLE, "table", digest(b"history")[:16], bound_to)
            pages.append(self._feature("table", sealed))
        return {"name": "history", "needs": "write", "pages": pages}

    def _sources(self) -> dict[str, Any]:
        content = deflate(rows([[(1, bytes(16)), (2, b"a folder"), (3, bytes(8)), (4, b"/folder")]]))
        object_id = digest(b"sources")[:16]
        page = self._sealed(content, Kind.TABLE, "table", object_id, struct.pack("<I", 0))
        return {"name": "sources", "needs": "nothing", "pages": [self._feature("table", page)]}
