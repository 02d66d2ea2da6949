"""Tests of the reader on whole vaults, sound and damaged."""

from __future__ import annotations

import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import export
import sample
from errors import Problems, Unreadable
from export import Naming, Target
from vault import Vault, open_vault
from verify import Verification

READER = pathlib.Path(__file__).with_name("reader.py")


def problems_of(path: pathlib.Path) -> list[tuple[str, str]]:
    problems = Problems()
    vault = open_vault(str(path), sample.PASSPHRASE, problems)
    if vault is not None:
        Verification(vault, problems).run()
    return problems.found


class WithFolder(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.path = self.folder / "vault"

    def write(self, made: sample.Sample) -> None:
        made.write(self.path)

    def open(self) -> Vault:
        vault = open_vault(str(self.path), sample.PASSPHRASE, Problems())
        assert vault is not None
        return vault


class Sound(WithFolder):
    def test_a_sound_vault_has_no_problems(self) -> None:
        self.write(sample.Sample())
        self.assertEqual(problems_of(self.path), [])

    def test_neither_has_one_with_a_group(self) -> None:
        self.write(sample.Sample(in_group=True))
        self.assertEqual(problems_of(self.path), [])

    def test_originals_and_thumbnails_come_back(self) -> None:
        made = sample.Sample()
        self.write(made)
        problems = Problems()
        originals = Target(str(self.folder / "originals"), str(self.path))
        thumbnails = Target(str(self.folder / "thumbnails"), str(self.path))
        self.assertEqual(export.export_originals(self.open(), originals, Naming.ID, problems), 4)
        self.assertEqual(export.export_thumbnails(self.open(), thumbnails, problems), 1)
        self.assertEqual(problems.found, [])
        for image, original in made.originals.items():
            self.assertEqual((self.folder / "originals" / f"{image.hex()}.jpg").read_bytes(), original)
        first = self.folder / "thumbnails" / f"{made.images[0].hex()}.jpg"
        self.assertEqual(first.read_bytes(), sample.JPEG)

    def test_nothing_is_overwritten(self) -> None:
        self.write(sample.Sample())
        target = Target(str(self.folder / "out"), str(self.path))
        export.export_originals(self.open(), target, Naming.NAME, Problems())
        for file in (self.folder / "out").iterdir():
            file.write_bytes(b"mine")
        problems = Problems()
        written = export.export_originals(self.open(), target, Naming.ID, problems)
        self.assertEqual((written, problems.found), (4, []))
        self.assertEqual(export.export_originals(self.open(), target, Naming.ID, problems), 0)
        self.assertEqual(len(problems.found), 4)
        self.assertEqual((self.folder / "out" / "photo 2.xmp").read_bytes(), b"mine")

    def test_nothing_is_exported_into_the_vault(self) -> None:
        self.write(sample.Sample())
        with self.assertRaises(Unreadable):
            Target(str(self.path / "out"), str(self.path))

    def test_names_and_dates_are_listed(self) -> None:
        self.write(sample.Sample())
        listed = list(export.listing(self.open(), Problems()))
        self.assertEqual([row["name"] for row in listed], ["photo 0.jpg", "photo 1.jpg", "photo 2.jpg"])
        self.assertEqual(listed[0]["captured"], "2020-02-03T04:05:06.70-08:00")
        self.assertEqual(listed[0]["found"][0]["label"], "a folder")
        self.assertEqual(listed[2]["companions"][0]["found"]["path"], "folder/photo 2.xmp")

    def test_the_next_header_is_taken_if_the_mapping_has_it(self) -> None:
        self.write(sample.Sample())
        (self.path / "header").rename(self.path / "header.new")
        (self.path / "header").write_bytes(b"an older one")
        self.assertEqual(problems_of(self.path), [])


class Damage(WithFolder):
    def test_a_changed_byte_is_found_in_every_file(self) -> None:
        made = sample.Sample()
        self.write(made)
        for name, data in made.files.items():
            changed = bytearray(data)
            changed[len(data) // 2] ^= 1
            self.assert_found(name, bytes(changed))
            self.assert_found(name, data[:-1])

    def test_also_in_the_files_of_a_group(self) -> None:
        made = sample.Sample(in_group=True)
        self.write(made)
        for name, data in made.files.items():
            if name.endswith((".group", ".copy", ".tags", ".checks")):
                self.assert_found(name, data[:-1] + bytes([data[-1] ^ 1]))

    def assert_found(self, name: str, changed: bytes) -> None:
        file = self.path / name
        kept = file.read_bytes()
        file.write_bytes(changed)
        found = problems_of(self.path)
        self.assertTrue(any(path.startswith(name) for path, _ in found), f"{name}: {found}")
        file.write_bytes(kept)

    def test_missing_files_and_links_are_found(self) -> None:
        made = sample.Sample()
        self.write(made)
        for name, data in made.files.items():
            file = self.path / name
            file.unlink()
            if name != "header":
                self.assertIn(name, [path for path, _ in problems_of(self.path)])
            (self.folder / "elsewhere").write_bytes(data)
            file.symlink_to(self.folder / "elsewhere")
            self.assertIn(name, [path for path, _ in problems_of(self.path)])
            file.unlink()
            file.write_bytes(data)

    def found(self, made: sample.Sample) -> str:
        self.write(made)
        return " ".join(f"{path}: {text}" for path, text in problems_of(self.path))

    def test_a_vector_of_another_length_is_found(self) -> None:
        made = sample.Sample()
        made.vectors[1][0] += 0.05
        self.assertIn("the vector in slot 1 has length", self.found(made))

    def test_a_vector_that_a_record_denies_is_found(self) -> None:
        made = sample.Sample()
        made.vectors[2] = made.vectors[1]
        self.assertIn("the image in slot 2 has a vector", self.found(made))

    def test_another_sum_of_nonces_is_found(self) -> None:
        made = sample.Sample()
        made.sum_of_nonces ^= 1
        self.assertIn("sum of the nonces", self.found(made))

    def test_slots_in_another_order_are_found(self) -> None:
        made = sample.Sample()
        made.slots.reverse()
        self.assertIn("slots are not in ascending order", self.found(made))

    def test_a_companion_that_is_not_listed_is_found(self) -> None:
        made = sample.Sample()
        made.companions.clear()
        self.assertIn("companions are not those of the list", self.found(made))

    def test_another_content_is_found(self) -> None:
        made = sample.Sample()
        made.originals[made.images[0]] = b"ORIGINAL " + made.images[0]
        self.assertIn("its content is not that of its record", self.found(made))

    def test_a_history_that_is_not_one_is_found(self) -> None:
        made = sample.Sample()
        made.history[3:5] = made.history[4:2:-1]
        self.assertIn("the history is not in order", self.found(made))
        made = sample.Sample()
        made.history.insert(3, made.history[3])
        self.assertIn("the history is not in order", self.found(made))

    def test_a_parent_that_is_not_in_the_history_is_found(self) -> None:
        made = sample.Sample()
        made.parents = [bytes(64)]
        made.history = made.history[-2:]
        self.assertIn("a parent is not in the history", self.found(made))

    def test_a_dropped_thumbnail_that_is_named_is_found(self) -> None:
        made = sample.Sample()
        made.records[0][-1] = (17, sample.identity("part") + struct.pack("<I", 1))
        self.assertIn("was dropped", self.found(made))

    def test_a_thumbnail_that_does_not_exist_is_found(self) -> None:
        made = sample.Sample()
        made.records[0][-1] = (17, sample.identity("part") + struct.pack("<I", 3))
        self.assertIn("does not exist", self.found(made))

    def test_a_thumbnail_of_two_images_is_found(self) -> None:
        made = sample.Sample()
        made.records[1].append(made.records[0][-1])
        self.assertIn("is another image's too", self.found(made))

    def test_another_number_of_dead_thumbnails_is_found(self) -> None:
        made = sample.Sample()
        made.dead = 2
        self.assertIn("2 dead thumbnails, expected 1", self.found(made))

    def test_tags_of_other_photos_are_found(self) -> None:
        made = sample.Sample(in_group=True)
        made.tag_entries[5] = made.tag_entries[5][:-4] + struct.pack("<I", 1)
        self.assertIn("entries are not those of the records", self.found(made))


class ExitCodes(WithFolder):
    def run_reader(self, passphrase: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
        file = self.folder / "passphrase"
        file.write_bytes(passphrase + b"\n")
        command = [sys.executable, str(READER), str(self.path), "--passphrase-file", str(file), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_a_sound_vault_gives_0(self) -> None:
        self.write(sample.Sample())
        done = self.run_reader(sample.PASSPHRASE, "verify")
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_damage_gives_1_and_names_the_file(self) -> None:
        made = sample.Sample()
        self.write(made)
        name = next(name for name in made.files if name.endswith(".ckks"))
        (self.path / name).unlink()
        done = self.run_reader(sample.PASSPHRASE, "verify")
        self.assertEqual((done.returncode, done.stdout), (1, f"{name}: No such file or directory\n"))

    def test_a_wrong_passphrase_and_no_vault_give_2(self) -> None:
        self.assertEqual(self.run_reader(sample.PASSPHRASE, "verify").returncode, 2)
        self.path.mkdir()
        self.assertEqual(self.run_reader(sample.PASSPHRASE, "verify").returncode, 2)
        self.write(sample.Sample())
        self.assertEqual(self.run_reader(b"wrong", "verify").returncode, 2)


if __name__ == "__main__":
    unittest.main()
