"""Tests of the reader on vaults that the program makes: `CIPHERLENS` in the environment is the path of the program.

`MUTATIONS` in the environment is the number of changed bits to try, 32 without it.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator
from typing import Any

import export
import sample
from errors import Problems, Unreadable
from export import Naming, Target
from keys import prepare_passphrase
from vault import Vault, open_vault
from verify import Verification

PROGRAM = os.environ.get("CIPHERLENS", "")
MUTATIONS = int(os.environ.get("MUTATIONS", "32"))
REPOSITORY = pathlib.Path(__file__).parents[2]
PHOTOS = REPOSITORY / "data" / "photos"
VERSION_1 = REPOSITORY / "tests" / "data" / "vault_version_1"
PASSPHRASE = "correct horse battery staple"
CHEAPEST = ("--argon2-memory-mib", "19", "--argon2-passes", "1")
# More than an original that is encrypted as a whole may have.
TRAILING_BYTES = 17 << 20


def photo(kind: str, number: int) -> pathlib.Path:
    return PHOTOS / kind / f"image_{number:04}.jpg"


@unittest.skipUnless(PROGRAM, "CIPHERLENS does not name the program")
class WithProgram(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.path = self.folder / "photos.vault"
        self.passphrase = PASSPHRASE

    def run_program(self, *arguments: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
        file = self.folder / "passphrase"
        file.write_text(self.passphrase + "\n", encoding="utf-8")
        environment = {"HOME": str(self.folder / "home"), "CIPHERLENS_VAULT": str(self.path), "LANG": "C.UTF-8"}
        command = [PROGRAM, "--passphrase-file", str(file), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    def program(self, *arguments: str | pathlib.Path) -> str:
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def create(self) -> None:
        self.program("init", *CHEAPEST, self.path)

    def change_passphrase(self, text: str) -> None:
        file = self.folder / "next"
        file.write_text(text + "\n", encoding="utf-8")
        self.program("passwd", "--new-passphrase-file", file, *CHEAPEST)
        self.passphrase = text

    def listed(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.program("list", "--json"))
        return rows

    def remove(self, name: str) -> None:
        identity = next(row["id"] for row in self.listed() if row["name"] == name)
        self.program("remove", "--yes", identity)

    def open(self) -> Vault:
        vault = open_vault(str(self.path), prepare_passphrase(self.passphrase), Problems())
        assert vault is not None
        return vault

    def problems(self) -> list[tuple[str, str]]:
        """Also counts a vault that does not open as damaged."""
        problems = Problems()
        try:
            vault = open_vault(str(self.path), prepare_passphrase(self.passphrase), problems)
            if vault is not None:
                Verification(vault, problems).run()
        except Unreadable as error:
            problems.report("", str(error))
        return problems.found

    def assert_agreed(self, photos: list[bytes], *, thumbnails: int) -> None:
        """Program and reader find no damage, list the same, and export these photos."""
        self.program("check")
        self.assertEqual(self.problems(), [])
        vault = self.open()
        verification = Verification(vault, Problems())
        verification.run()
        self.assertEqual(verification.unreferenced(), [])
        problems = Problems()
        rows = list(export.listing(vault, problems))
        self.assertEqual([comparable(row) for row in rows], [comparable_of_program(row) for row in self.listed()])
        target = self.folder / "originals"
        written = export.export_originals(vault, Target(str(target), str(self.path)), Naming.ID, problems)
        exported = sorted(digest_of(file.read_bytes()) for file in target.iterdir())
        self.assertEqual((written, exported), (len(photos), sorted(map(digest_of, photos))))
        small = Target(str(self.folder / "thumbnails"), str(self.path))
        self.assertEqual(export.export_thumbnails(vault, small, problems), thumbnails)
        self.assertEqual(problems.found, [])


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """What the program lists too."""
    places = [(place["path"], instant(place["modified"]), place["nanoseconds"]) for place in row["found"]]
    kept = {name: row[name] for name in ("id", "name", "bytes", "captured", "media_type")}
    return kept | {"pixels": list(row["pixels"] or (0, 0)), "places": places}


def comparable_of_program(row: dict[str, Any]) -> dict[str, Any]:
    places = [(place["path"], place["modified"], place["modified_nanoseconds"]) for place in row["places"]]
    kept = {name: row[name] for name in ("id", "name", "bytes", "captured", "media_type")}
    return kept | {"pixels": [row["width"], row["height"]], "places": places}


def instant(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Made(WithProgram):
    def test_photos_at_two_places_removed_and_in_chunks(self) -> None:
        self.create()
        source = self.folder / "photos"
        (source / "b").mkdir(parents=True)
        kept = [photo("butterfly", 1).read_bytes(), photo("pizza", 1).read_bytes()]
        # What comes after a JPEG picture is no part of it, but of the file.
        kept.append(photo("watch", 1).read_bytes() + random.Random(1).randbytes(TRAILING_BYTES))
        for number, content in enumerate(kept):
            (source / f"photo {number} é.jpg").write_bytes(content)
        shutil.copy(source / "photo 0 é.jpg", source / "b" / "the same.jpg")
        shutil.copy(photo("dolphin", 1), source / "removed.jpg")
        self.program("add", source)
        self.remove("removed.jpg")
        self.change_passphrase("new  passphrase é")
        self.assert_agreed(kept, thumbnails=3)
        rows = list(export.listing(self.open(), Problems()))
        places = [[place["path"] for place in row["found"]] for row in rows if len(row["found"]) > 1]
        self.assertEqual([sorted(paths) for paths in places], [["b/the same.jpg", "photo 0 é.jpg"]])
        self.passphrase = PASSPHRASE
        with self.assertRaises(Unreadable):
            self.open()

    def test_merged_packs(self) -> None:
        self.create()
        photos = [photo("elephant", number) for number in range(1, 10)]
        for path in photos:
            self.program("add", path)
        packs = self.open().mapping.packs
        self.assertEqual((len(packs), sum(pack.parts for pack in packs)), (2, 9))
        self.remove(photos[3].name)
        self.remove(photos[8].name)
        left = [path.read_bytes() for path in photos if path not in (photos[3], photos[8])]
        self.assert_agreed(left, thumbnails=7)

    def test_two_blocks(self) -> None:
        self.create()
        self.program("synthesize", "600")
        vault = self.open()
        self.assertEqual([segment.blocks for segment in vault.mapping.segments], [2])
        self.assertEqual(self.problems(), [])
        self.program("check")
        rows = [comparable(row) for row in export.listing(vault, Problems())]
        self.assertEqual(rows, [comparable_of_program(row) for row in self.listed()])

    def test_two_copies_that_were_merged(self) -> None:
        self.create()
        paths = [photo("elephant", number) for number in range(1, 7)]
        self.program("add", *paths[:4])
        other = self.folder / "other.vault"
        shutil.copytree(self.path, other)
        self.program("add", paths[4])
        self.remove(paths[0].name)
        self.program("--vault", other, "--accept-older", "add", paths[5])
        self.program("merge", self.path, other, "--theirs")
        self.assertEqual(len(self.open().mapping.parents), 2)
        self.assert_agreed([path.read_bytes() for path in paths], thumbnails=6)

    def test_an_upgrade_from_format_1(self) -> None:
        shutil.copytree(VERSION_1, self.path)
        self.program("upgrade")
        names = {row["name"] for row in self.listed()}
        photos = [PHOTOS / name.replace("_image_", "/image_") for name in names]
        self.assert_agreed([path.read_bytes() for path in photos], thumbnails=3)


class Written(WithProgram):
    """Vaults that were written from the page, for the program to read."""

    def setUp(self) -> None:
        super().setUp()
        self.passphrase = sample.PASSPHRASE.decode()

    def test_companions_chunks_and_an_image_without_a_vector(self) -> None:
        made = sample.Sample()
        made.write(self.path)
        self.program("check")
        rows = [comparable(row) for row in export.listing(self.open(), Problems())]
        self.assertEqual(rows, [comparable_of_program(row) for row in self.listed()])
        out = self.folder / "exported by the program"
        self.program("export", "--all", out)
        exported = {file.read_bytes() for file in out.iterdir()}
        self.assertEqual(exported, {made.originals[image] for image in made.images})

    def test_a_group(self) -> None:
        made = sample.Sample(in_group=True)
        made.write(self.path)
        self.program("check")
        rows = [comparable(row) for row in export.listing(self.open(), Problems())]
        self.assertEqual(rows, [comparable_of_program(row) for row in self.listed()])


class Mutations(WithProgram):
    def setUp(self) -> None:
        super().setUp()
        self.create()
        self.program("add", photo("pizza", 1), photo("watch", 2))
        self.program("add", photo("elephant", 1))
        self.remove("image_0002.jpg")

    def test_every_changed_bit_is_found_by_both(self) -> None:
        # A lock has no content that a reader reads, and claims are empty.
        content = (path for path in self.path.rglob("*") if path.is_file() and path.name != "lock")
        files = sorted(path for path in content if path.parent.name != "claims")
        draw = random.Random(MUTATIONS)
        only_reader, only_program, neither = [], [], []
        for number in range(MUTATIONS):
            # Each file in turn, so that large files do not get all of the changes.
            file = files[number % len(files)]
            data = file.read_bytes()
            position, bit = draw.randrange(len(data)), draw.randrange(8)
            with changed(file, position, bit):
                found = (bool(self.problems()), self.run_program("check").returncode != 0)
            what = f"{file.relative_to(self.path)}: bit {bit} of byte {position}"
            if found == (True, False):
                only_reader.append(what)
            elif found == (False, True):
                only_program.append(what)
            elif found == (False, False):
                neither.append(what)
        self.assertEqual((only_reader, only_program, neither), ([], [], []))
        self.assertEqual(self.problems(), [])
        self.program("check")


@contextlib.contextmanager
def changed(file: pathlib.Path, position: int, bit: int) -> Iterator[None]:
    """One bit of a file is another as long as this lasts."""
    with open(file, "r+b") as stream:

        def flip() -> None:
            stream.seek(position)
            (byte,) = stream.read(1)
            stream.seek(position)
            stream.write(bytes([byte ^ 1 << bit]))
            stream.flush()

        flip()
        try:
            yield
        finally:
            flip()


if __name__ == "__main__":
    sys.exit(unittest.main())
