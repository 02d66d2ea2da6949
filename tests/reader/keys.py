"""From the passphrase to the key of each object: Argon2id (RFC 9106) and HKDF-SHA-256 (RFC 5869)."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from envelope import ID_BYTES, ObjectKey
from errors import Unreadable

KEY_BYTES = 64
MAC_KEY_BYTES = 32
PASSPHRASE_MOST_BYTES = 4096
# General categories of all characters with the property White_Space but the control characters.
WHITE_SPACE = ("Zs", "Zl", "Zp")
ZERO_ID = bytes(ID_BYTES)

KIB_LEAST, KIB_MOST = 19 * 1024, 2 * 1024 * 1024
PASSES_MOST = 16
LANES_MOST = 16


class Cost(NamedTuple):
    """What Argon2id is asked for."""

    memory_kib: int
    passes: int
    lanes: int

    def allowed(self) -> bool:
        return (
            KIB_LEAST <= self.memory_kib <= KIB_MOST
            and 1 <= self.passes <= PASSES_MOST
            and 1 <= self.lanes <= LANES_MOST
        )


def prepare_passphrase(text: str) -> bytes:
    """The bytes for Argon2id, by the OpaqueString profile (RFC 8265, 4.2)."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise Unreadable("the passphrase has a control character")
    typed_bytes = len(text.encode("utf-8"))
    if not 1 <= typed_bytes <= PASSPHRASE_MOST_BYTES:
        raise Unreadable(f"a passphrase has 1 to {PASSPHRASE_MOST_BYTES} bytes, this one has {typed_bytes}")
    spaced = "".join(" " if unicodedata.category(character) in WHITE_SPACE else character for character in text)
    return unicodedata.normalize("NFC", spaced).encode("utf-8")


def key_encryption_key(passphrase: bytes, salt: bytes, cost: Cost) -> ObjectKey:
    derivation = Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    return halves(derivation.derive(passphrase))


def halves(key: bytes) -> ObjectKey:
    return ObjectKey(key[:MAC_KEY_BYTES], key[MAC_KEY_BYTES:])


class KeyTree:
    """The keys below the master key of one vault."""

    def __init__(self, master_key: bytes, vault: bytes) -> None:
        self._master_key = master_key
        self.vault = vault

    def derive(self, purpose: str, object_id: bytes = ZERO_ID) -> ObjectKey:
        info = b"cipherlens v1 " + purpose.encode() + b"\0" + self.vault + object_id
        return halves(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._master_key))

    def _mac_key(self, purpose: str) -> bytes:
        """All 64 bytes."""
        return b"".join(self.derive(purpose))

    def content_mac(self) -> hmac.HMAC:
        """Takes the bytes of an original; its digest is the content tag."""
        return hmac.new(self._mac_key("content"), digestmod=hashlib.sha256)

    def mapping_tag(self, text: bytes) -> bytes:
        return hmac.new(self._mac_key("mapping"), text, hashlib.sha512).digest()
