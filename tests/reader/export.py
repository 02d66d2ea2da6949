"""Lists images, and writes originals and thumbnails into a folder outside of the vault."""

from __future__ import annotations

import contextlib
import enum
import hmac
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import originals
import packs
import tables
from errors import Problems, Unreadable, require
from folder import StoredFile
from mapping import Pack
from records import Companion, Place, Record
from segments import Listed
from vault import Image, Vault

PARTIAL = ".partial"


class Naming(enum.Enum):
    """After what exported files are named."""

    ID = "id"
    NAME = "name"


def images(vault: Vault, problems: Problems) -> Iterator[tuple[Image, list[Listed]]]:
    """Every image in the order of the scan, and the companions in its segment's list that are its own."""
    for placed in vault.placed_segments(problems):
        found, listed = vault.images(placed.entry, problems)
        companions = {file.id: file for file in listed.companions} if listed else {}
        for image in found:
            ids = dict.fromkeys(companion.id for companion in image.record.companions)
            yield image, [companions[identity] for identity in ids if identity in companions]


def listing(vault: Vault, problems: Problems) -> Iterator[dict[str, Any]]:
    labels: dict[bytes, str] = {}
    with problems.at("the table of sources"):
        labels = tables.source_labels(vault)
    for image, _ in images(vault, problems):
        record = image.record
        yield {
            "id": record.id.hex(),
            "name": _text(record.found[0].name),
            "found": [_place(place, labels) for place in record.found],
            "bytes": record.length,
            "pixels": record.pixels,
            "media_type": record.media_type,
            "captured": record.captured,
            "captured_from": record.captured_from,
            "added": record.added,
            "removed": record.removed,
            "companions": [_companion(companion, labels) for companion in record.companions],
        }


def _text(path: bytes) -> str:
    """Bytes that are not UTF-8 become lone surrogates, as in Python's names of files."""
    return path.decode("utf-8", "surrogateescape")


def _place(place: Place, labels: dict[bytes, str]) -> dict[str, Any]:
    seconds, nanoseconds = place.modified or (None, None)
    return {
        "source": place.source.hex(),
        "label": labels.get(place.source),
        "path": _text(place.path),
        "modified": seconds,
        "nanoseconds": nanoseconds,
    }


def _companion(companion: Companion, labels: dict[bytes, str]) -> dict[str, Any]:
    found = _place(companion.place, labels)
    return {"id": companion.id.hex(), "role": companion.role, "bytes": companion.length, "found": found}


class Target:
    """The folder that is exported to. Files appear in it when they are whole, and none is ever overwritten."""

    def __init__(self, path: str, vault: str) -> None:
        inside = os.path.realpath(path) + os.sep
        if inside.startswith(os.path.realpath(vault) + os.sep):
            raise Unreadable(f"{path} is inside the vault: nothing is written there unencrypted")
        os.makedirs(path, mode=0o700, exist_ok=True)
        self._path = path

    def has(self, name: str) -> bool:
        return os.path.lexists(os.path.join(self._path, name))

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        final = os.path.join(self._path, name)
        partial = final + PARTIAL
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:
                yield file
            # Fails if there is a file with this name, which a rename would replace.
            os.link(partial, final)
        finally:
            os.unlink(partial)


def export_originals(vault: Vault, target: Target, naming: Naming, problems: Problems) -> int:
    """How many files were written."""
    written = 0
    for image, companions in images(vault, problems):
        record = image.record
        files: list[tuple[Listed, Record | Companion, Place]] = [(image.listed, record, record.found[0])]
        by_id = {companion.id: companion for companion in record.companions}
        files += [(file, by_id[file.id], by_id[file.id].place) for file in companions]
        for file, known, place in files:
            with problems.at(file.path):
                _export(vault, target, _name(file, place, naming, target), file, known)
                written += 1
    return written


def _name(file: Listed, place: Place, naming: Naming, target: Target) -> str:
    by_id = f"{file.id.hex()}.{file.extension}"
    if naming is Naming.ID:
        return by_id
    name = os.fsdecode(place.name)
    # Several photos may have the same name, so the others get their ids before it.
    return f"{file.id.hex()}-{name}" if target.has(name) else name


def _export(vault: Vault, target: Target, name: str, file: Listed, known: Record | Companion) -> None:
    content = vault.keys.content_mac()
    with vault.folder.open(file.path, originals.FILE_MOST_BYTES) as stored, target.create(name) as plain:
        require(stored.digest() == file.digest, "its digest is not the one that it must have")
        for piece in originals.content(stored, vault.keys, file.id):
            content.update(piece)
            plain.write(piece)
        require(hmac.compare_digest(content.digest(), known.content), "its content is not that of its record")


def export_thumbnails(vault: Vault, target: Target, problems: Problems) -> int:
    """Named after the ids of their images. How many files were written."""
    wanted: dict[bytes, list[tuple[int, bytes]]] = {}
    for image, _ in images(vault, problems):
        if image.record.thumbnail is not None:
            part_id, number = image.record.thumbnail
            wanted.setdefault(part_id, []).append((number, image.record.id))
    written = 0
    for pack in vault.mapping.packs:
        with problems.at(packs.parts_path(pack)):
            size = packs.parts_bytes(pack)
            data = vault.folder.read_digested(packs.parts_path(pack), pack.list_digest, packs.PARTS_MOST_BYTES, size)
            parts = packs.parse_parts(data, pack)
            with problems.at(packs.pack_path(pack)):
                with vault.folder.open(packs.pack_path(pack), pack.length, pack.length) as file:
                    for part in parts:
                        written += _export_part(vault, target, file, part, wanted.pop(part.id, []), problems, pack)
    for part_id in wanted:
        problems.report("encrypted_thumbnails", f"part {part_id.hex()} is missing")
    return written


def _export_part(
    vault: Vault, target: Target, file: StoredFile, part: packs.Part, wanted: list[tuple[int, bytes]],
    problems: Problems, pack: Pack,
) -> int:  # fmt: skip
    written = 0
    with problems.at(packs.pack_path(pack)):
        thumbnails = packs.parse_index(file, part, vault.keys) if wanted else []
        for number, image in wanted:
            with problems.at(f"{packs.pack_path(pack)} (image {image.hex()})"):
                there = number < len(thumbnails) and thumbnails[number].length > 0
                require(there, "its thumbnail does not exist")
                content = packs.open_thumbnail(file, thumbnails[number], vault.keys)
                with target.create(f"{image.hex()}.jpg") as plain:
                    plain.write(content)
                written += 1
    return written
