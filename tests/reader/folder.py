"""The files of a vault, opened for reading only and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from blake3 import blake3

from errors import Damaged, require

READ_BYTES = 1 << 20
FEATURES = "encrypted_features"
IMAGES = "encrypted_images"
THUMBNAILS = "encrypted_thumbnails"


def digest(data: bytes) -> bytes:
    return blake3(data).digest()


def name_of(file_digest: bytes) -> str:
    """The name of a file in encrypted_features and encrypted_thumbnails, without its extension."""
    return file_digest[:16].hex()


class StoredFile:
    """An open file whose length was checked."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def __enter__(self) -> StoredFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes."""
        pieces = []
        while length > 0:
            piece = os.pread(self._descriptor, min(length, READ_BYTES), offset)
            if not piece:
                raise Damaged("is shorter than it was when it was opened")
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        for start in range(offset, offset + length, READ_BYTES):
            yield self.read(start, min(READ_BYTES, offset + length - start))

    def digest(self, offset: int = 0, length: int | None = None) -> bytes:
        hasher = blake3()
        for piece in self.pieces(offset, self.size - offset if length is None else length):
            hasher.update(piece)
        return hasher.digest()


class Folder:
    """The folder of a vault."""

    def __init__(self, path: str) -> None:
        # The path of the vault itself may contain links.
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def _directory(self, name: str) -> int:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._root)

    def open(self, path: str, most: int, exactly: int | None = None) -> StoredFile:
        """`path` is a name, or a folder and a name."""
        folder, _, name = path.rpartition("/")
        directory = self._directory(folder) if folder else os.dup(self._root)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        finally:
            os.close(directory)
        try:
            status = os.fstat(descriptor)
            require(stat.S_ISREG(status.st_mode), "is not a file")
            if exactly is not None:
                require(status.st_size == exactly, f"{status.st_size} bytes, expected {exactly}")
            require(status.st_size <= most, f"{status.st_size} bytes, at most {most}")
        except BaseException:
            os.close(descriptor)
            raise
        return StoredFile(descriptor, status.st_size)

    def read(self, path: str, most: int) -> bytes:
        with self.open(path, most) as file:
            return file.read(0, file.size)

    def read_digested(self, path: str, expected: bytes, most: int, exactly: int | None = None) -> bytes:
        with self.open(path, most, exactly) as file:
            data = file.read(0, file.size)
        require(digest(data) == expected, "its digest is not the one that it must have")
        return data

    def names(self, folder: str) -> list[str]:
        directory = self._directory(folder)
        try:
            return os.listdir(directory)
        finally:
            os.close(directory)
