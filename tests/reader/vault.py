"""An open vault: its mapping, authenticated, and the keys below the master key."""

from __future__ import annotations

import dataclasses

import fields
import header
import mapping as mapping_file
import records
import segments
from envelope import Kind, file_bytes, open_file
from errors import Damaged, Problems, Unreadable, require
from folder import FEATURES, Folder, digest, name_of
from keys import KeyTree
from mapping import Group, Mapping, Segment, group_most_bytes

MAPPING = "mapping.json"
HEADERS = ("header", "header.new")
TRIES = 3


@dataclasses.dataclass
class PlacedSegment:
    """A segment, and the group that it is in."""

    entry: Segment
    group: Group | None
    # In the group.
    number: int


@dataclasses.dataclass
class Image:
    listed: segments.Listed
    record: records.Record


class Vault:
    def __init__(self, folder: Folder, mapping: Mapping, keys: KeyTree) -> None:
        self.folder = folder
        self.mapping = mapping
        self.keys = keys

    def read_named(self, file_digest: bytes, extension: str, most: int, exactly: int | None = None) -> bytes:
        """A file of encrypted_features whose digest is the given one."""
        return self.folder.read_digested(feature_path(file_digest, extension), file_digest, most, exactly)

    def open_named(
        self, file_digest: bytes, extension: str, kind: Kind, purpose: str, object_id: bytes,
        *, bound_to: bytes = b"", content_bytes: int | None = None, most: int = fields.FILE_MOST_BYTES,
    ) -> bytes:  # fmt: skip
        """The content of an encrypted file. `bound_to`: a number or a space id."""
        exactly = None if content_bytes is None else file_bytes(content_bytes)
        data = self.read_named(file_digest, extension, most if exactly is None else exactly, exactly)
        key = self.keys.derive(purpose, object_id)
        content = open_file(data, kind, key, self.keys.vault + object_id + bound_to)
        require(content_bytes is None or len(content) == content_bytes, f"has {len(content)} bytes of content")
        return content

    def read_group(self, group: Group) -> tuple[list[Segment], bytes]:
        """The segments of a group and the content of its file."""
        spaces = len(self.mapping.spaces)
        data = self.read_named(group.list_digest, "group", group_most_bytes(group, spaces))
        return mapping_file.parse_group(data, group, spaces), data

    def placed_segments(self, problems: Problems) -> list[PlacedSegment]:
        """In the order of the scan. Reports groups that cannot be read and goes on without them."""
        placed = []
        for group in self.mapping.groups:
            with problems.at(feature_path(group.list_digest, "group")):
                entries, _ = self.read_group(group)
                placed += [PlacedSegment(entry, group, number) for number, entry in enumerate(entries)]
        placed += [PlacedSegment(entry, None, number) for number, entry in enumerate(self.mapping.segments)]
        return placed

    def read_list(self, segment: Segment) -> segments.SegmentList:
        return segments.parse_list(self.read_named(segment.list_digest, "list", segments.LIST_MOST_BYTES), segment)

    def read_records(self, segment: Segment) -> list[records.Record]:
        content = self.open_named(segment.records_digest, "records", Kind.RECORDS, "records", segment.id)
        found = records.parse(fields.inflate(content))
        require(len(found) == segment.images, f"{len(found)} records, expected {segment.images}")
        return found

    def images(self, segment: Segment, problems: Problems) -> tuple[list[Image], segments.SegmentList | None]:
        """The images of a segment, or none if its list or its records are damaged."""
        listed = None
        found = None
        with problems.at(feature_path(segment.list_digest, "list")):
            listed = self.read_list(segment)
        with problems.at(feature_path(segment.records_digest, "records")):
            found = self.read_records(segment)
            if listed is not None:
                ids_agree = [record.id for record in found] == [image.id for image in listed.images]
                require(ids_agree, "its records are not those of the images in the list")
        if listed is None or found is None:
            return [], listed
        return [Image(image, record) for image, record in zip(listed.images, found)], listed


def feature_path(file_digest: bytes, extension: str) -> str:
    return f"{FEATURES}/{name_of(file_digest)}.{extension}"


def open_vault(path: str, passphrase: bytes, problems: Problems) -> Vault | None:
    """Reports why a vault cannot be opened and returns None, if it is damaged."""
    try:
        folder = Folder(path)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    if not _is_there(folder, HEADERS[0]):
        raise Unreadable(f"{path} is not a vault: it has no header")
    for attempt in range(TRIES):
        mapping = None
        data = b""
        with problems.at(MAPPING):
            data = folder.read(MAPPING, mapping_file.MOST_BYTES)
            mapping = mapping_file.parse(data)
        if mapping is None:
            return None
        opened = _open_header(folder, mapping, problems, passphrase)
        if opened is not None:
            with problems.at(MAPPING):
                require(mapping.authentic(opened), "its tag is wrong")
                return Vault(folder, mapping, opened)
            return None
        # A commit may have come between the two files.
        if attempt + 1 == TRIES or folder.read(MAPPING, mapping_file.MOST_BYTES) == data:
            break
    if not problems.found:
        problems.report("header", "its digest is not the one that the mapping has")
    return None


def _is_there(folder: Folder, name: str) -> bool:
    try:
        with folder.open(name, header.MOST_BYTES):
            return True
    except FileNotFoundError:
        return False
    except (Damaged, OSError):
        return True


def _open_header(folder: Folder, mapping: Mapping, problems: Problems, passphrase: bytes) -> KeyTree | None:
    """None if neither header is the one that the mapping has."""
    for name in HEADERS:
        try:
            data = folder.read(name, header.MOST_BYTES)
        except FileNotFoundError:
            continue
        except (Damaged, OSError):
            # Too long, or no file: not the one that the mapping has.
            continue
        if digest(data) != mapping.header:
            continue
        with problems.at(name):
            parsed = header.parse(data)
            require(parsed.vault == mapping.vault, "belongs to another vault")
            keys = parsed.open(passphrase)
            if keys is None:
                raise Unreadable("the passphrase does not open this vault")
            return keys
    return None
