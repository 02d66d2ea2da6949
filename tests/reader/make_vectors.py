#!/usr/bin/env python3
"""Prints tests/vectors/vectors.json: what the format says about fixed keys, ids and contents.

Made from docs/vault-format.md, not by the program, and the same bytes each time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from typing import Any

import canonical_json
import sample
from envelope import Kind, padme, prefix
from folder import digest
from keys import Cost, KeyTree, key_encryption_key, prepare_passphrase

VAULT = sample.identity("vault of the vectors")
MASTER_KEY = digest(b"master key of the vectors")
KEYS = KeyTree(MASTER_KEY, VAULT)
OBJECT = sample.identity("object")
SPACE = sample.identity("space")
ZERO_ID = bytes(16)
# Purpose, and whether its key belongs to an object.
PURPOSES = {
    "mapping": False, "content": False, "photo": True, "thumbnail": True, "vectors": True, "records": True,
    "group": True, "checks": True, "pack": True, "table": True, "search": True, "tags": True, "cache": False,
    "unfinished run": False,
}  # fmt: skip
# Kind, purpose, and what follows the object id in the associated data.
SEALED: list[tuple[Kind, str, bytes]] = [
    (Kind.ORIGINAL, "photo", b""),
    (Kind.THUMBNAIL, "thumbnail", b""),
    (Kind.VECTORS, "vectors", SPACE),
    (Kind.TAGS, "tags", struct.pack("<I", 258)),
    (Kind.RECORDS, "records", b""),
    (Kind.CHECKS, "checks", SPACE),
    (Kind.PACK_INDEX, "pack", b""),
    (Kind.TABLE, "table", struct.pack("<I", 258)),
    (Kind.COPY, "group", b""),
]
PASSPHRASES = [
    "plain", "two  spaces", "no\u00a0break\u3000ideographic", "line\u2028paragraph\u2029", "e\u0301 is composed",
    "\u212b", "\ufb01 \U0001f512", "\u0344" * 1024,
]  # fmt: skip
REFUSED_PASSPHRASES = ["", "tab\there", "\x7f", "line\u0085feed", "x" * 4097, "\u00a8" * 2049]
PASSPHRASE = "correct horse e\u0301 battery"
COST = Cost(19 * 1024, 1, 1)


def keys() -> list[dict[str, Any]]:
    found = []
    for purpose, of_object in PURPOSES.items():
        object_id = OBJECT if of_object else ZERO_ID
        key = b"".join(KEYS.derive(purpose, object_id))
        label = f"cipherlens v1 {purpose}\0"
        found.append({"purpose": purpose, "label": label, "object": object_id.hex(), "key": key.hex()})
    return found


def sealed() -> list[dict[str, Any]]:
    found = []
    for kind, purpose, then in SEALED:
        content = f"content of kind {int(kind)}".encode() * int(kind)
        iv = digest(b"iv" + bytes([kind]))[:16]
        plaintext = sample.pad(content)
        associated_data = prefix(kind) + VAULT + OBJECT + then
        file = prefix(kind) + sample.seal(plaintext, KEYS.derive(purpose, OBJECT), associated_data, iv)
        found.append({
            "kind": int(kind), "purpose": purpose, "object": OBJECT.hex(), "then": then.hex(), "iv": iv.hex(),
            "associated_data": associated_data.hex(), "content": content.hex(), "plaintext": plaintext.hex(),
            "file": file.hex(),
        })  # fmt: skip
    return found


def chunks() -> list[dict[str, Any]]:
    """Chunks of originals, shorter than any but the last is."""
    found = []
    for number, last in ((0, 0), (5, 1), (2**40, 1)):
        plaintext = f"chunk {number}".encode()
        iv = digest(b"chunk" + struct.pack("<Q", number))[:16]
        start = prefix(Kind.CHUNKED_ORIGINAL)
        associated_data = start + VAULT + OBJECT + struct.pack("<QB", number, last)
        chunk = sample.seal(plaintext, KEYS.derive("photo", OBJECT), associated_data, iv)
        found.append({
            "number": number, "last": last, "iv": iv.hex(), "associated_data": associated_data.hex(),
            "plaintext": plaintext.hex(), "chunk": chunk.hex(),
        })  # fmt: skip
    return found


def header() -> dict[str, Any]:
    salt = digest(b"salt")
    fixed = b"CIPHLENS" + bytes([2, 1]) + VAULT + struct.pack("<III", *COST) + salt
    wrapping = key_encryption_key(prepare_passphrase(PASSPHRASE), salt, COST)
    # A slot of a later version comes first.
    unknown = bytes([200]) + b"slot two" + struct.pack("<H", 3) + b"any"
    slot = bytes([1]) + b"slot one"
    body = sample.seal(MASTER_KEY, wrapping, fixed + slot, digest(b"iv of the slot")[:16])
    data = fixed + struct.pack("<H", 2) + unknown + slot + struct.pack("<H", len(body)) + body
    return {
        "passphrase": PASSPHRASE, "salt": salt.hex(), "memory_kib": COST.memory_kib, "passes": COST.passes,
        "lanes": COST.lanes, "key_encryption_key": b"".join(wrapping).hex(), "slot": b"slot one".hex(),
        "associated_data": (fixed + slot).hex(), "wrapped": body.hex(), "file": data.hex(),
    }  # fmt: skip


def passphrases() -> dict[str, Any]:
    accepted = [{"typed": text, "prepared": prepare_passphrase(text).hex()} for text in PASSPHRASES]
    return {"accepted": accepted, "refused": REFUSED_PASSPHRASES}


def image_list() -> dict[str, Any]:
    segment = sample.identity("segment")
    images = [(sample.identity(f"image {number}"), digest(b"%d" % number), "jpg") for number in range(3)]
    companions = sorted((sample.identity(name), digest(name.encode()), name) for name in ("xmp", "mov", "a1b2c3d4"))
    data = prefix(Kind.LIST) + segment + struct.pack("<II", len(images), len(companions))
    for identity, of_file, extension in images + companions:
        data += identity + of_file + extension.encode().ljust(8, b"\0")
    slots = sorted(range(len(images)), key=lambda slot: images[slot][0])
    data += struct.pack("<3H", *slots)

    def described(entry: tuple[bytes, bytes, str]) -> dict[str, str]:
        return {"id": entry[0].hex(), "digest": entry[1].hex(), "extension": entry[2]}

    return {
        "segment": segment.hex(), "images": list(map(described, images)),
        "companions": list(map(described, companions)), "file": data.hex(), "name": digest(data)[:16].hex() + ".list",
    }  # fmt: skip


def records() -> dict[str, Any]:
    image, source, companion = sample.identity("image"), sample.identity("source"), sample.identity("companion")
    part, content = sample.identity("part"), digest(b"content of the image")
    other = digest(b"content of the companion")
    spaces = sorted([SPACE, sample.identity("other space")])
    place = source + struct.pack("<qI", 1_700_000_000, 987_654_321) + b"Urlaub/\xfc.jpg"
    untimed = ZERO_ID + struct.pack("<qI", 0, 0xFFFF_FFFF) + "é.jpg".encode()
    early = source + struct.pack("<qI", -2, 999_999_999) + b"a/b.xmp"
    fields: list[tuple[int, bytes]] = [
        (1, image),
        (2, content),
        (3, struct.pack("<Q", 2**40)),
        (4, place),
        (4, untimed),
        (5, b"image/jpeg"),
        (6, struct.pack("<II", 4000, 3000)),
        (7, b"\x06"),
        (8, b"\x012024-02-29T23:59:59.125-03:30"),
        (9, "Köln AG\0Model 1".encode()),
        (10, b"50 mm"),
        (11, struct.pack("<IIIII", 1, 250, 280, 400, 5000)),
        (12, struct.pack("<iii", -337_000_000, 1_512_000_000, -1234)),
        (13, b"\x01" + bytes(range(8))),
        (14, b"\x04" + companion + other + struct.pack("<Q", 77) + early),
        (15, struct.pack("<q", 1_700_000_001)),
        (16, struct.pack("<q", 1_700_000_002)),
        (17, part + struct.pack("<I", 3)),
        (18, b"".join(spaces)),
        (19, struct.pack("<Q", 2**63 + 5)),
        (64, b"a field of a later version"),
        (32_767, b""),
    ]
    uncompressed = sample.rows([fields])
    return {
        "content": uncompressed.hex(),
        "compressed": sample.deflate(uncompressed).hex(),
        "decoded": {
            "id": image.hex(), "content": content.hex(), "bytes": 2**40,
            "found": [
                {"source": source.hex(), "seconds": 1_700_000_000, "nanoseconds": 987_654_321,
                 "path": b"Urlaub/\xfc.jpg".hex()},
                {"source": ZERO_ID.hex(), "seconds": None, "nanoseconds": None, "path": "é.jpg".encode().hex()},
            ],
            "media_type": "image/jpeg", "pixels": [4000, 3000], "orientation": 6,
            "captured": {"origin": 1, "time": "2024-02-29T23:59:59.125-03:30"},
            "camera": ["Köln AG", "Model 1"], "lens": "50 mm", "exposure": [1, 250, 280, 400, 5000],
            "place": [-337_000_000, 1_512_000_000, -1234],
            "perceptual_hash": {"algorithm": 1, "hash": bytes(range(8)).hex()},
            "companions": [
                {"role": 4, "id": companion.hex(), "content": other.hex(), "bytes": 77, "source": source.hex(),
                 "seconds": -2, "nanoseconds": 999_999_999, "path": b"a/b.xmp".hex()},
            ],
            "added": 1_700_000_001, "removed": 1_700_000_002, "thumbnail": {"part": part.hex(), "number": 3},
            "without_vector": [space.hex() for space in spaces], "bucket": 2**63 + 5,
        },
    }  # fmt: skip


def content_tag() -> dict[str, str]:
    original = b"the bytes of an original"
    mac_key = b"".join(KEYS.derive("content"))
    return {"original": original.hex(), "content": hmac.new(mac_key, original, hashlib.sha256).hexdigest()}


def parts() -> dict[str, Any]:
    entries = []
    data = prefix(Kind.PARTS) + struct.pack("<I", 2)
    for number in range(2):
        entry = {
            "id": sample.identity(f"part {number}"), "bytes": 2**31 + number, "index_bytes": 90,
            "index": digest(b"index"), "digest": digest(b"part"),
        }  # fmt: skip
        data += struct.pack("<16sQI32s32s", *entry.values())
        entries.append({name: value.hex() if isinstance(value, bytes) else value for name, value in entry.items()})
    return {"parts": entries, "file": data.hex(), "name": digest(data)[:16].hex()}


def mapping() -> dict[str, Any]:
    """With every kind of entry, and every character that has an escape."""

    def named(text: str) -> str:
        return digest(text.encode()).hex()

    features = {name: named(name) for name in ("ckks", "hints", "vectors")}
    escapes = "".join(map(chr, range(32))) + '"\\/\x7f é\u2028\U0001f512'
    value: dict[str, Any] = {
        "format": "cipherlens mapping 3",
        "vault": VAULT.hex(),
        "generation": 2**64 - 1,
        "parents": sorted([digest(b"one").hex() * 2, digest(b"other").hex() * 2]),
        "header": digest(bytes.fromhex(header()["file"])).hex(),
        "spaces": [{
            "id": SPACE.hex(), "network": "n", "weights": escapes, "preprocessing": "", "precision": "f32",
            "basis": None, "threshold": 800,
            "public_context": (b"CLCK" + bytes([1, 2]) + struct.pack("<H", 128) + digest(b"seed")).hex(),
        }],
        "groups": [{
            "id": sample.identity("group").hex(), "segments": 8, "images": 8192, "list": named("list of the group"),
            "copy": named("copy"), "tags": named("tags"), "checks": [named("checks of the group")],
        }],
        "segments": [
            {
                "id": sample.identity("full segment").hex(), "images": 1024, "list": named("list 0"),
                "records": named("records 0"), "features": [features | {"checks": named("checks")}],
            },
            {
                "id": sample.identity("last segment").hex(), "images": 1, "list": named("list 1"),
                "records": named("records 1"), "features": [None],
            },
        ],
        "packs": [{"parts": 2, "bytes": 2**32, "dead": 1, "list": named("parts"), "pack": named("pack")}],
        "tables": [
            {"name": "sources", "needs": "nothing", "pages": []},
            {"name": "a-later-1", "needs": "nothing", "pages": [named("page 0"), named("page 1")]},
        ],
    }  # fmt: skip
    covered = canonical_json.serialise(value)
    value["tag"] = KEYS.mapping_tag(covered).hex()
    file = canonical_json.serialise(value) + b"\n"
    return {"covered": covered.decode(), "tag": value["tag"], "file": file.decode(), "weights": escapes}


def names() -> list[dict[str, str]]:
    contents = (b"", b"a file", bytes(range(256)) * 9)
    return [{"file": data.hex(), "digest": digest(data).hex(), "name": digest(data)[:16].hex()} for data in contents]


def lengths() -> list[list[int]]:
    exact = [8, 9, 31, 32, 33, 100, 1000, 3336, 65_535, 65_536, 65_537, 2**20 + 1, 2**24 - 1, 2**32 + 1, 2**40]
    return [[length, padme(length)] for length in exact]


def main() -> None:
    vectors = {
        "vault": VAULT.hex(),
        "master_key": MASTER_KEY.hex(),
        "keys": keys(),
        "padme": lengths(),
        "names": names(),
        "sealed": sealed(),
        "chunks": chunks(),
        "passphrases": passphrases(),
        "header": header(),
        "mapping": mapping(),
        "list": image_list(),
        "records": records(),
        "content": content_tag(),
        "parts": parts(),
        "tables": [{"name": name, "object": digest(name.encode())[:16].hex()} for name in ("sources", "labels")],
    }
    print(json.dumps(vectors, indent=1, ensure_ascii=True))


if __name__ == "__main__":
    main()
