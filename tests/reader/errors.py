"""What can be wrong with a vault, and the list of what was found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class Damaged(Exception):
    """A file is not as the format says. The message does not repeat the name of the file."""


class Unreadable(Exception):
    """Not a vault, a wrong passphrase, or something that needs a newer reader."""


class Problems:
    """Collects damage, each with the path of its file below the vault."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def report(self, path: str, text: str) -> None:
        self.found.append((path, text))

    @contextlib.contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Reports damage found in the block as damage of this file, and goes on after the block."""
        try:
            yield
        except Damaged as damage:
            self.report(path, str(damage))
        except OSError as error:
            self.report(path, error.strerror or str(error))


def require(holds: bool, text: str) -> None:
    if not holds:
        raise Damaged(text)
