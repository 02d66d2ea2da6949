"""The test vectors in tests/vectors, which the program's own tests read too."""

from __future__ import annotations

import hmac
import json
import pathlib
import struct
import tempfile
import unittest
from typing import Any

import canonical_json
import export
import fields
import header
import mapping
import packs
import records
import segments
from envelope import Kind, content_of, open_file, open_sealed, padme
from errors import Problems, Unreadable
from export import Naming, Target
from folder import digest
from keys import Cost, KeyTree, key_encryption_key, prepare_passphrase
from vault import open_vault
from verify import Verification

FOLDER = pathlib.Path(__file__).parents[1] / "vectors"
PHOTOS = pathlib.Path(__file__).parents[2] / "data" / "photos"


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


class Vectors(unittest.TestCase):
    vectors: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        cls.vectors = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))

    def setUp(self) -> None:
        self.vault = unhex(self.vectors["vault"])
        self.keys = KeyTree(unhex(self.vectors["master_key"]), self.vault)

    def test_keys(self) -> None:
        for expected in self.vectors["keys"]:
            self.assertEqual(expected["label"], f"cipherlens v1 {expected['purpose']}\0")
            key = b"".join(self.keys.derive(expected["purpose"], unhex(expected["object"])))
            self.assertEqual(key.hex(), expected["key"], expected["purpose"])
        content = self.keys.content_mac()
        content.update(unhex(self.vectors["content"]["original"]))
        self.assertEqual(content.hexdigest(), self.vectors["content"]["content"])

    def test_names_and_lengths(self) -> None:
        for expected in self.vectors["names"]:
            found = digest(unhex(expected["file"])).hex()
            self.assertEqual((found, found[:32]), (expected["digest"], expected["name"]))
        for length, padded in self.vectors["padme"]:
            self.assertEqual(padme(length), padded)
        for table in self.vectors["tables"]:
            self.assertEqual(digest(table["name"].encode())[:16].hex(), table["object"])

    def test_sealed_objects(self) -> None:
        for expected in self.vectors["sealed"]:
            key = self.keys.derive(expected["purpose"], unhex(expected["object"]))
            bound_to = self.vault + unhex(expected["object"]) + unhex(expected["then"])
            file = unhex(expected["file"])
            content = open_file(file, Kind(expected["kind"]), key, bound_to)
            self.assertEqual(content.hex(), expected["content"])
            plaintext = open_sealed(file[10:], key, unhex(expected["associated_data"]))
            self.assertEqual(plaintext.hex(), expected["plaintext"])
            self.assertEqual((content_of(plaintext), file[10:26].hex()), (content, expected["iv"]))

    def test_chunks(self) -> None:
        for expected in self.vectors["chunks"]:
            file = self.vectors["sealed"][0]
            key = self.keys.derive("photo", unhex(file["object"]))
            position = struct.pack("<QB", expected["number"], expected["last"])
            associated_data = b"CIPHLENS\x01\x09" + self.vault + unhex(file["object"]) + position
            self.assertEqual(associated_data.hex(), expected["associated_data"])
            plaintext = open_sealed(unhex(expected["chunk"]), key, associated_data)
            self.assertEqual(plaintext.hex(), expected["plaintext"])

    def test_a_header(self) -> None:
        expected = self.vectors["header"]
        parsed = header.parse(unhex(expected["file"]))
        self.assertEqual([slot.kind for slot in parsed.slots], [200, 1])
        prepared = prepare_passphrase(expected["passphrase"])
        cost = Cost(expected["memory_kib"], expected["passes"], expected["lanes"])
        wrapping = key_encryption_key(prepared, unhex(expected["salt"]), cost)
        self.assertEqual(b"".join(wrapping).hex(), expected["key_encryption_key"])
        wrapped = open_sealed(unhex(expected["wrapped"]), wrapping, unhex(expected["associated_data"]))
        self.assertEqual(wrapped.hex(), self.vectors["master_key"])
        opened = parsed.open(prepared)
        assert opened is not None
        self.assertEqual(opened.derive("photo"), self.keys.derive("photo"))

    def test_passphrases(self) -> None:
        for expected in self.vectors["passphrases"]["accepted"]:
            self.assertEqual(prepare_passphrase(expected["typed"]).hex(), expected["prepared"])
        for typed in self.vectors["passphrases"]["refused"]:
            with self.assertRaises(Unreadable, msg=repr(typed)):
                prepare_passphrase(typed)

    def test_a_mapping(self) -> None:
        expected = self.vectors["mapping"]
        parsed = mapping.parse(expected["file"].encode())
        self.assertTrue(parsed.authentic(self.keys))
        self.assertEqual(parsed.text.decode(), expected["covered"])
        self.assertEqual(parsed.tag.hex(), expected["tag"])
        value = canonical_json.parse(expected["covered"].encode())
        self.assertEqual(value["spaces"][0]["weights"], expected["weights"])

    def test_a_list(self) -> None:
        expected = self.vectors["list"]
        data = unhex(expected["file"])
        segment = mapping.Segment(unhex(expected["segment"]), len(expected["images"]), b"", b"", [])
        parsed = segments.parse_list(data, segment)
        for found, wanted in ((parsed.images, expected["images"]), (parsed.companions, expected["companions"])):
            described = [{"id": f.id.hex(), "digest": f.digest.hex(), "extension": f.extension} for f in found]
            self.assertEqual(described, wanted)

    def test_parts(self) -> None:
        expected = self.vectors["parts"]
        length = sum(part["bytes"] for part in expected["parts"])
        pack = mapping.Pack(len(expected["parts"]), length, 0, b"", b"")
        found = [
            {
                "id": part.id.hex(), "bytes": part.length, "index_bytes": part.index_bytes,
                "index": part.index_digest.hex(), "digest": part.digest.hex(),
            }
            for part in packs.parse_parts(unhex(expected["file"]), pack)
        ]  # fmt: skip
        self.assertEqual(found, expected["parts"])

    def test_a_record_of_every_field(self) -> None:
        expected = self.vectors["records"]
        content = unhex(expected["content"])
        self.assertEqual(fields.inflate(unhex(expected["compressed"])), content)
        (record,) = records.parse(content)
        wanted = expected["decoded"]
        thumbnail = wanted["thumbnail"]
        self.assertEqual(
            (
                record.id.hex(), record.content.hex(), record.length, record.media_type, list(record.pixels or ()),
                record.captured, record.added, record.removed, record.thumbnail,
                [space.hex() for space in record.without_vector], [place(found) for found in record.found],
            ),
            (
                wanted["id"], wanted["content"], wanted["bytes"], wanted["media_type"], wanted["pixels"],
                wanted["captured"]["time"], wanted["added"], wanted["removed"],
                (unhex(thumbnail["part"]), thumbnail["number"]), wanted["without_vector"], wanted["found"],
            ),
        )  # fmt: skip
        companions = [
            {"role": companion.role, "id": companion.id.hex(), "content": companion.content.hex(),
             "bytes": companion.length} | place(companion.place)
            for companion in record.companions
        ]  # fmt: skip
        self.assertEqual(companions, wanted["companions"])


def place(found: records.Place) -> dict[str, Any]:
    seconds, nanoseconds = found.modified or (None, None)
    return {
        "source": found.source.hex(), "seconds": seconds, "nanoseconds": nanoseconds, "path": found.path.hex(),
    }  # fmt: skip


class WholeVault(unittest.TestCase):
    def test_it_is_whole_and_gives_back_the_photos(self) -> None:
        problems = Problems()
        text = (FOLDER / "passphrase").read_text(encoding="utf-8").removesuffix("\n")
        path = str(FOLDER / "vault")
        vault = open_vault(path, prepare_passphrase(text), problems)
        assert vault is not None
        verification = Verification(vault, problems)
        verification.run()
        self.assertEqual((problems.found, verification.unreferenced()), ([], []))
        # One thumbnail of a removed photo is left in its pack.
        self.assertEqual(sum(pack.dead for pack in vault.mapping.packs), 1)
        rows = {row["name"]: row for row in export.listing(vault, problems)}
        photos = {
            "butterfly.jpg": "butterfly/image_0009.jpg",
            "helicopter.jpg": "helicopter/image_0004.jpg",
            "Über.jpg": "flamingo/image_0002.jpg",
            "flamingo.jpg": "flamingo/image_0007.jpg",
            "by itself.jpg": "dolphin/image_0001.jpg",
        }
        names = set(photos) - {"butterfly.jpg"}
        self.assertTrue(names < set(rows) and len(rows) == len(photos))
        # Of two places, either may be the first.
        double = next(row for row in rows.values() if len(row["found"]) == 2)
        self.assertEqual({place["path"] for place in double["found"]}, {"butterfly.jpg", "trip/the same.jpg"})
        self.assertEqual(rows["Über.jpg"]["found"][0]["modified"], 1_714_979_289)
        with tempfile.TemporaryDirectory() as folder:
            export.export_originals(vault, Target(folder, path), Naming.ID, problems)
            for name, row in rows.items():
                exported = (pathlib.Path(folder) / f"{row['id']}.jpg").read_bytes()
                original = photos["butterfly.jpg" if row is double else name]
                self.assertTrue(hmac.compare_digest(exported, (PHOTOS / original).read_bytes()), name)
        self.assertEqual(problems.found, [])


if __name__ == "__main__":
    unittest.main()
