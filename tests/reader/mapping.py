"""The root `mapping.json`, and the `.group` files that have the same entries for segments."""

from __future__ import annotations

import hmac
import re
import struct
from typing import Any, NamedTuple

import canonical_json
from canonical_json import Fields, hexadecimal
from envelope import DIGEST_BYTES, ID_BYTES
from errors import Damaged, Unreadable, require
from keys import KeyTree

FORMAT = "cipherlens mapping 3"
MOST_BYTES = 64 << 20
TAG_BYTES = 64
SEGMENT_IMAGES = 1024
BLOCK_IMAGES = 512
GROUP_SEGMENTS_MOST = 511
PARTS_MOST = 1_000_000
PACK_MOST_BYTES = 4 << 30
CONTEXT = struct.Struct("<4sBBH32s")
SPACES_MOST = 16
DIMENSION_STEP, DIMENSION_MOST = 128, 16_384
NEEDS = ("nothing", "write", "read")
OTHER_FORMAT = re.compile(r"cipherlens mapping \d+", re.ASCII)
TAG_FIELD = re.compile(rb',\n  "tag": "[0-9a-f]{128}"\n}\n\Z')


class Space(NamedTuple):
    id: bytes
    network: str
    dimension: int


class Features(NamedTuple):
    """Digests of the files of a segment in one space."""

    ckks: bytes
    hints: bytes
    vectors: bytes
    checks: bytes | None


class Segment(NamedTuple):
    id: bytes
    images: int
    list_digest: bytes
    records_digest: bytes
    features: list[Features | None]

    @property
    def blocks(self) -> int:
        return -(-self.images // BLOCK_IMAGES)


class Group(NamedTuple):
    id: bytes
    segments: int
    images: int
    list_digest: bytes
    copy_digest: bytes
    tags_digest: bytes
    checks: list[bytes | None]


class Pack(NamedTuple):
    parts: int
    length: int
    # Thumbnails that no record names.
    dead: int
    list_digest: bytes
    pack_digest: bytes


class Table(NamedTuple):
    name: str
    needs: str
    pages: list[bytes]


class Mapping(NamedTuple):
    vault: bytes
    generation: int
    parents: list[bytes]
    header: bytes
    spaces: list[Space]
    groups: list[Group]
    segments: list[Segment]
    packs: list[Pack]
    tables: list[Table]
    tag: bytes
    # What the tag covers.
    text: bytes

    def authentic(self, keys: KeyTree) -> bool:
        return hmac.compare_digest(keys.mapping_tag(self.text), self.tag)


def parse(data: bytes) -> Mapping:
    require(len(data) <= MOST_BYTES, f"{len(data)} bytes, at most {MOST_BYTES}")
    require(data.endswith(b"\n"), "does not end in a newline")
    value = canonical_json.parse(data[:-1])
    written_as = value.get("format") if isinstance(value, dict) else None
    if isinstance(written_as, str) and written_as != FORMAT and OTHER_FORMAT.fullmatch(written_as):
        raise Unreadable(f"the format of the vault is '{written_as}', not '{FORMAT}'")
    fields = Fields(
        value, "format", "vault", "generation", "parents", "header",
        "spaces", "groups", "segments", "packs", "tables", "tag",
    )  # fmt: skip
    require(fields.text("format") == FORMAT, "its format is not known")
    tag_field = TAG_FIELD.search(data)
    if tag_field is None:
        raise Damaged("has no tag at its end")
    spaces = [_space(entry) for entry in fields.list("spaces")]
    require(1 <= len(spaces) <= SPACES_MOST, f"{len(spaces)} spaces")
    mapping = Mapping(
        vault=fields.hexadecimal("vault", ID_BYTES),
        generation=fields.number("generation", 1),
        parents=[hexadecimal(entry, TAG_BYTES) for entry in fields.list("parents")],
        header=fields.hexadecimal("header", DIGEST_BYTES),
        spaces=spaces,
        groups=[_group(entry, len(spaces)) for entry in fields.list("groups")],
        segments=[_segment(entry, len(spaces), in_group=False) for entry in fields.list("segments")],
        packs=[_pack(entry) for entry in fields.list("packs")],
        tables=[_table(entry) for entry in fields.list("tables")],
        tag=fields.hexadecimal("tag", TAG_BYTES),
        text=data[: tag_field.start()] + b"\n}",
    )
    _check_whole(mapping)
    return mapping


def _check_whole(mapping: Mapping) -> None:
    parents = len(mapping.parents)
    if mapping.generation == 1:
        require(parents == 0, "generation 1 has a parent")
    else:
        require(1 <= parents <= 2, f"{parents} parents")
        require(sorted(set(mapping.parents)) == mapping.parents, "parents are not in ascending order")
    for what, ids in (
        ("spaces", [space.id for space in mapping.spaces]),
        ("groups", [group.id for group in mapping.groups]),
        ("segments", [segment.id for segment in mapping.segments]),
        ("tables", [table.name for table in mapping.tables]),
    ):
        require(len(set(ids)) == len(ids), f"two {what} have the same id")
    full = all(segment.images == SEGMENT_IMAGES for segment in mapping.segments[:-1])
    require(full, "a segment that is not the last is not full")


def parse_group(data: bytes, group: Group, spaces: int) -> list[Segment]:
    fields = Fields(canonical_json.parse(data), "group", "segments")
    require(fields.hexadecimal("group", ID_BYTES) == group.id, "belongs to another group")
    segments = [_segment(entry, spaces, in_group=True) for entry in fields.list("segments")]
    require(len(segments) == group.segments, f"{len(segments)} segments, expected {group.segments}")
    images = sum(segment.images for segment in segments)
    require(images == group.images, f"{images} images, expected {group.images}")
    full = all(segment.images == SEGMENT_IMAGES for segment in segments)
    require(full, "a segment is not full")
    for number, checks in enumerate(group.checks):
        whole = all(segment.features[number] is not None for segment in segments)
        require(whole == (checks is not None), f"check vectors of space {number} are missing or too many")
    return segments


def group_most_bytes(group: Group, spaces: int) -> int:
    return 1024 * spaces * (group.segments + 1)


def _space(entry: Any) -> Space:
    fields = Fields(
        entry, "id", "network", "weights", "preprocessing", "precision", "basis", "threshold", "public_context"
    )
    for name in ("weights", "preprocessing", "precision"):
        fields.text(name)
    if fields.raw("basis") is not None:
        fields.text("basis")
    fields.number("threshold", 0, 1000)
    context = fields.hexadecimal("public_context", CONTEXT.size)
    magic, kind, version, dimension, _seed = CONTEXT.unpack(context)
    require(magic == b"CLCK" and kind == 1 and version == 2, "a public context of another kind or version")
    allowed = 1 <= dimension <= DIMENSION_MOST and dimension % DIMENSION_STEP == 0
    require(allowed, f"dimension {dimension}")
    return Space(fields.hexadecimal("id", ID_BYTES), fields.text("network"), dimension)


def _group(entry: Any, spaces: int) -> Group:
    fields = Fields(entry, "id", "segments", "images", "list", "copy", "tags", "checks")
    checks = [None if value is None else hexadecimal(value, DIGEST_BYTES) for value in fields.list("checks")]
    require(len(checks) == spaces, f"checks of {len(checks)} spaces, expected {spaces}")
    return Group(
        id=fields.hexadecimal("id", ID_BYTES),
        segments=fields.number("segments", 1, GROUP_SEGMENTS_MOST),
        images=fields.number("images", 1),
        list_digest=fields.hexadecimal("list", DIGEST_BYTES),
        copy_digest=fields.hexadecimal("copy", DIGEST_BYTES),
        tags_digest=fields.hexadecimal("tags", DIGEST_BYTES),
        checks=checks,
    )


def _segment(entry: Any, spaces: int, *, in_group: bool) -> Segment:
    fields = Fields(entry, "id", "images", "list", "records", "features")
    features = [None if value is None else _features(value, in_group) for value in fields.list("features")]
    require(len(features) == spaces, f"features of {len(features)} spaces, expected {spaces}")
    return Segment(
        id=fields.hexadecimal("id", ID_BYTES),
        images=fields.number("images", 1, SEGMENT_IMAGES),
        list_digest=fields.hexadecimal("list", DIGEST_BYTES),
        records_digest=fields.hexadecimal("records", DIGEST_BYTES),
        features=features,
    )


def _features(entry: Any, in_group: bool) -> Features:
    fields = Fields(entry, "ckks", "hints", "vectors", "checks")
    checks = fields.optional_hexadecimal("checks", DIGEST_BYTES)
    require((checks is None) == in_group, "check vectors of a segment are where they must not be, or missing")
    return Features(
        ckks=fields.hexadecimal("ckks", DIGEST_BYTES),
        hints=fields.hexadecimal("hints", DIGEST_BYTES),
        vectors=fields.hexadecimal("vectors", DIGEST_BYTES),
        checks=checks,
    )


def _pack(entry: Any) -> Pack:
    fields = Fields(entry, "parts", "bytes", "dead", "list", "pack")
    return Pack(
        parts=fields.number("parts", 1, PARTS_MOST),
        length=fields.number("bytes", 1, PACK_MOST_BYTES),
        dead=fields.number("dead"),
        list_digest=fields.hexadecimal("list", DIGEST_BYTES),
        pack_digest=fields.hexadecimal("pack", DIGEST_BYTES),
    )


def _table(entry: Any) -> Table:
    fields = Fields(entry, "name", "needs", "pages")
    name = fields.text("name", 1, 64)
    require(re.fullmatch("[a-z0-9-]+", name) is not None, f"a table is named {name!r}")
    pages = [hexadecimal(page, DIGEST_BYTES) for page in fields.list("pages")]
    needs = fields.text("needs")
    require(needs in NEEDS, f"a table that needs {needs!r}")
    return Table(name, needs, pages)
