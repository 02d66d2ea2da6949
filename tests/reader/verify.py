"""Verifies everything in a vault that its format lets a reader verify."""

from __future__ import annotations

import hmac

import originals
import packs
import segments
import tables
from envelope import Kind, file_bytes
from errors import Damaged, Problems, require
from folder import FEATURES, IMAGES, THUMBNAILS
from groups import Entry, parse_tags, tags_bytes
from mapping import Features, Group, Pack, group_most_bytes
from records import Companion, Record
from segments import Listed
from vault import Image, PlacedSegment, Vault, feature_path


class Verification:
    """One pass over the vault. What it found is in `problems`, what it counted beside it."""

    def __init__(self, vault: Vault, problems: Problems) -> None:
        self._vault = vault
        self._problems = problems
        self._ids: set[bytes] = set()
        # Paths of everything that the vault consists of.
        self._named: set[str] = set()
        # Nonces of the hints by segment and number of the space; None if they are damaged.
        self._nonces: dict[tuple[bytes, int], list[bytes] | None] = {}
        self._thumbnails: dict[tuple[bytes, int], packs.Thumbnail] = {}
        self._damaged_parts: set[bytes] = set()
        # Thumbnails that records name.
        self._alive: set[tuple[bytes, int]] = set()
        self._records_are_whole = True
        self._parts_are_known = True
        self._parts: list[tuple[Pack, list[packs.Part]]] = []
        self._entries: dict[bytes, list[Entry] | None] = {}
        self.images = 0
        self.companions = 0

    def run(self) -> None:
        for table in self._vault.mapping.tables:
            for number, page in enumerate(table.pages):
                path = self._name(feature_path(page, "table"))
                with self._problems.at(path):
                    tables.verify_page(self._vault, table, number)
            if table.name == tables.HISTORY:
                with self._problems.at("mapping.json"):
                    tables.verify_history(self._vault, table)
        self._packs()
        placed = self._vault.placed_segments(self._problems)
        # Groups whose segments are not known were reported.
        expected = len(self._vault.mapping.segments) + sum(group.segments for group in self._vault.mapping.groups)
        self._records_are_whole = len(placed) == expected
        ids = [segment.entry.id for segment in placed]
        if len(set(ids)) != len(ids):
            self._problems.report("mapping.json", "two segments have the same id")
        for segment in placed:
            self._segment(segment)
        self._dead()
        for group in self._vault.mapping.groups:
            self._group(group, [segment for segment in placed if segment.group is group])

    def unreferenced(self) -> list[str]:
        """Files that nothing refers to, which is no damage. Not to be relied on if there is any."""
        found = []
        for folder in (FEATURES, IMAGES, THUMBNAILS):
            with self._problems.at(folder):
                paths = (f"{folder}/{name}" for name in self._vault.folder.names(folder))
                found += sorted(path for path in paths if path not in self._named)
        return found

    def _name(self, path: str) -> str:
        self._named.add(path)
        return path

    def _packs(self) -> None:
        known: set[bytes] = set()
        for pack in self._vault.mapping.packs:
            parts: list[packs.Part] = []
            path = self._name(packs.parts_path(pack))
            with self._problems.at(path):
                size = packs.parts_bytes(pack)
                data = self._vault.folder.read_digested(path, pack.list_digest, packs.PARTS_MOST_BYTES, size)
                parts = packs.parse_parts(data, pack)
            self._parts_are_known &= bool(parts)
            self._parts.append((pack, parts))
            path = self._name(packs.pack_path(pack))
            for part in parts:
                if part.id in known:
                    self._problems.report(path, f"part {part.id.hex()} is in the vault twice")
                known.add(part.id)
            # Until its file was opened.
            self._damaged_parts |= {part.id for part in parts}
            with self._problems.at(path), self._vault.folder.open(path, pack.length, pack.length) as file:
                if file.digest() != pack.pack_digest:
                    self._problems.report(path, "its digest is not the one that it must have")
                for part in parts:
                    with self._problems.at(f"{path} (part {part.id.hex()})"):
                        for number, thumbnail in enumerate(packs.verify_part(file, part, self._vault.keys)):
                            self._thumbnails[(part.id, number)] = thumbnail
                        self._damaged_parts.discard(part.id)

    def _dead(self) -> None:
        """Compares the numbers of dead thumbnails, if all that they follow from is whole."""
        if not self._records_are_whole:
            return
        for pack, parts in self._parts:
            if any(part.id in self._damaged_parts for part in parts):
                continue
            ids = {part.id for part in parts}
            there = {key for key, thumbnail in self._thumbnails.items() if key[0] in ids and thumbnail.length > 0}
            dead = len(there - self._alive)
            if dead != pack.dead:
                text = f"{packs.pack_path(pack)} has {pack.dead} dead thumbnails, expected {dead}"
                self._problems.report("mapping.json", text)

    def _segment(self, placed: PlacedSegment) -> None:
        entry = placed.entry
        images, listed = self._vault.images(entry, self._problems)
        self._records_are_whole &= bool(images)
        for path in (feature_path(entry.list_digest, "list"), feature_path(entry.records_digest, "records")):
            self._name(path)
        records = feature_path(entry.records_digest, "records")
        with self._problems.at(records):
            self._companions_agree(images, listed)
        for image in images:
            with self._problems.at(f"{records} (image {image.record.id.hex()})"):
                self._record(image.record)
        for number, features in enumerate(entry.features):
            if features is not None:
                self._features(placed, number, features, images)
        self._originals(images, listed)
        if placed.group is not None:
            entries = [Entry(image.record.content, image.record.id, placed.number) for image in images]
            self._entries[entry.id] = entries if images else None

    def _companions_agree(self, images: list[Image], listed: segments.SegmentList | None) -> None:
        if listed is None or not images:
            return
        named = {companion.id for image in images for companion in image.record.companions}
        agree = named == {companion.id for companion in listed.companions}
        require(agree, "its companions are not those of the list")

    def _record(self, record: Record) -> None:
        if record.thumbnail is None:
            return
        part, number = record.thumbnail
        require(record.thumbnail not in self._alive, f"thumbnail {number} of part {part.hex()} is another image's too")
        self._alive.add(record.thumbnail)
        thumbnail = self._thumbnails.get(record.thumbnail)
        if thumbnail is None:
            # Damage of a pack was reported where it is.
            known = self._parts_are_known and part not in self._damaged_parts
            require(not known, f"thumbnail {number} of part {part.hex()} does not exist")
        else:
            require(thumbnail.length > 0, f"thumbnail {number} of part {part.hex()} was dropped")

    def _features(self, placed: PlacedSegment, number: int, features: Features, images: list[Image]) -> None:
        entry = placed.entry
        space = self._vault.mapping.spaces[number]
        path = self._name(feature_path(features.ckks, "ckks"))
        with self._problems.at(path):
            size = segments.ciphertext_bytes(entry, space.dimension)
            self._vault.read_named(features.ckks, "ckks", size, size)
        path = self._name(feature_path(features.hints, "hints"))
        self._nonces[(entry.id, number)] = None
        with self._problems.at(path):
            size = segments.hints_bytes(entry)
            data = self._vault.read_named(features.hints, "hints", size, size)
            self._nonces[(entry.id, number)] = segments.nonces(data, entry)
        path = self._name(feature_path(features.vectors, "vectors"))
        with self._problems.at(path):
            content = self._vault.open_named(
                features.vectors, "vectors", Kind.VECTORS, "vectors", entry.id,
                bound_to=space.id, content_bytes=segments.vectors_bytes(entry, space.dimension),
            )  # fmt: skip
            without = [space.id in image.record.without_vector for image in images]
            segments.check_vectors(content, space.dimension, without)
        if features.checks is not None:
            self._checks(features.checks, entry.id, number, [entry.id])

    def _checks(self, file_digest: bytes, object_id: bytes, number: int, covered: list[bytes]) -> None:
        """Check vectors of a segment or of a group, which cover these segments."""
        space = self._vault.mapping.spaces[number]
        path = self._name(feature_path(file_digest, "checks"))
        with self._problems.at(path):
            content = self._vault.open_named(
                file_digest, "checks", Kind.CHECKS, "checks", object_id,
                bound_to=space.id, content_bytes=segments.checks_bytes(space.dimension),
            )  # fmt: skip
            nonces: list[bytes] = []
            for segment in covered:
                of_segment = self._nonces.get((segment, number))
                if of_segment is None:
                    return
                nonces += of_segment
            segments.check_checks(content, nonces)

    def _group(self, group: Group, placed: list[PlacedSegment]) -> None:
        self._name(feature_path(group.list_digest, "group"))
        # That the file is damaged was reported when its segments were read.
        data = None
        try:
            _, data = self._vault.read_group(group)
        except (Damaged, OSError):
            pass
        path = self._name(feature_path(group.copy_digest, "copy"))
        with self._problems.at(path):
            most = file_bytes(group_most_bytes(group, len(self._vault.mapping.spaces)))
            copy = self._vault.open_named(group.copy_digest, "copy", Kind.COPY, "group", group.id, most=most)
            require(data is None or copy == data, "is not a copy of the group's file")
        path = self._name(feature_path(group.tags_digest, "tags"))
        with self._problems.at(path):
            size = tags_bytes(group)
            entries = parse_tags(self._vault.read_named(group.tags_digest, "tags", size, size), group, self._vault.keys)
            expected: list[Entry] = []
            whole = len(placed) == group.segments
            for segment in placed:
                of_segment = self._entries.get(segment.entry.id)
                whole &= of_segment is not None
                expected += of_segment or []
            if whole:
                require(entries == sorted(expected), "its entries are not those of the records")
        for number, checks in enumerate(group.checks):
            if checks is not None:
                covered = [segment.entry.id for segment in placed]
                if len(covered) == group.segments:
                    self._checks(checks, group.id, number, covered)

    def _originals(self, images: list[Image], listed: segments.SegmentList | None) -> None:
        if listed is None:
            return
        records = {image.record.id: image.record for image in images}
        companions = {companion.id: companion for image in images for companion in image.record.companions}
        for file in listed.images + listed.companions:
            path = self._name(file.path)
            with self._problems.at(path):
                require(file.id not in self._ids, "its id is in the vault twice")
                self._ids.add(file.id)
                verify_original(self._vault, file, records.get(file.id) or companions.get(file.id))
        self.images += len(listed.images)
        self.companions += len(listed.companions)


def verify_original(vault: Vault, file: Listed, known: Record | Companion | None) -> None:
    """Without a record, only the file itself can be verified."""
    content = vault.keys.content_mac()
    length = 0
    with vault.folder.open(file.path, originals.FILE_MOST_BYTES) as stored:
        require(stored.digest() == file.digest, "its digest is not the one that it must have")
        for piece in originals.content(stored, vault.keys, file.id):
            content.update(piece)
            length += len(piece)
    if known is not None:
        require(length == known.length, f"{length} bytes, expected {known.length}")
        require(hmac.compare_digest(content.digest(), known.content), "its content is not that of its record")
