"""Files in `encrypted_images`: photos whole, videos in chunks of which only one is in memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from envelope import (
    IV_BYTES,
    LENGTH_BYTES,
    PREFIX_BYTES,
    TAG_BYTES,
    Kind,
    ObjectKey,
    check_prefix,
    file_bytes,
    open_file,
    open_sealed,
    padded_bytes,
    prefix,
    sealed_bytes,
)
from errors import Damaged, require
from folder import StoredFile
from keys import KeyTree

WHOLE_MOST_BYTES = 512 << 20
WHOLE_FILE_MOST_BYTES = file_bytes(WHOLE_MOST_BYTES)
ORIGINAL_MOST_BYTES = 1 << 40
CHUNKED_LEAST_BYTES = (16 << 20) + 1
CHUNK_BYTES = 4 << 20
SEALED_CHUNK_BYTES = sealed_bytes(CHUNK_BYTES)
_CHUNKS_MOST = -(-padded_bytes(ORIGINAL_MOST_BYTES) // CHUNK_BYTES)
FILE_MOST_BYTES = PREFIX_BYTES + _CHUNKS_MOST * SEALED_CHUNK_BYTES


def content(file: StoredFile, keys: KeyTree, image: bytes) -> Iterator[bytes]:
    """The bytes of an original. Each piece was authenticated; the original is whole only when the last was given."""
    require(file.size >= PREFIX_BYTES, f"{file.size} bytes are too short")
    start = file.read(0, PREFIX_BYTES)
    key = keys.derive("photo", image)
    bound_to = keys.vault + image
    if start[9] == Kind.CHUNKED_ORIGINAL:
        check_prefix(start, Kind.CHUNKED_ORIGINAL)
        yield from _unpadded(_chunks(file, key, bound_to))
    else:
        require(file.size <= WHOLE_FILE_MOST_BYTES, f"{file.size} bytes, at most {WHOLE_FILE_MOST_BYTES}")
        yield open_file(file.read(0, file.size), Kind.ORIGINAL, key, bound_to)


def _chunks(file: StoredFile, key: ObjectKey, bound_to: bytes) -> Iterator[bytes]:
    sealed = file.size - PREFIX_BYTES
    require(sealed > IV_BYTES + TAG_BYTES, "has no chunk")
    count = -(-sealed // SEALED_CHUNK_BYTES)
    for number in range(count):
        last = number == count - 1
        offset = PREFIX_BYTES + number * SEALED_CHUNK_BYTES
        length = file.size - offset if last else SEALED_CHUNK_BYTES
        position = struct.pack("<QB", number, last)
        associated_data = prefix(Kind.CHUNKED_ORIGINAL) + bound_to + position
        try:
            chunk = open_sealed(file.read(offset, length), key, associated_data)
        except Damaged as damage:
            raise Damaged(f"chunk {number}: {damage}") from None
        whole = len(chunk) == CHUNK_BYTES or (last and 1 <= len(chunk) < CHUNK_BYTES)
        require(whole, f"chunk {number} has {len(chunk)} bytes")
        yield chunk


def _unpadded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    length = 0
    # Bytes of the plaintext so far.
    position = 0
    for chunk in chunks:
        data = chunk
        if position == 0:
            require(len(chunk) >= LENGTH_BYTES, "plaintext has no length")
            (length,) = struct.unpack_from("<Q", chunk)
            in_chunks = CHUNKED_LEAST_BYTES <= length <= ORIGINAL_MOST_BYTES
            require(in_chunks, f"an original of {length} bytes in chunks")
            data = chunk[LENGTH_BYTES:]
        # Where the content ends in `data`.
        done = max(position - LENGTH_BYTES, 0)
        end = min(max(length - done, 0), len(data))
        require(not any(data[end:]), "padding is not zero")
        position += len(chunk)
        if end > 0:
            yield data[:end]
    require(position == padded_bytes(length), f"{length} bytes of content are padded to {position} bytes")
