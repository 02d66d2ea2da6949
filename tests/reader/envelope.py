"""Encrypted files: AEAD_AES_256_CBC_HMAC_SHA_512 (RFC 7518, 5.2.5) around Padmé (PURBs, 2019, section 4)."""

from __future__ import annotations

import enum
import hashlib
import hmac
import struct
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from errors import Damaged, require

MAGIC = b"CIPHLENS"
VERSION = 1
PREFIX_BYTES = 10
IV_BYTES = 16
TAG_BYTES = 32
BLOCK_BYTES = 16
LENGTH_BYTES = 8
ID_BYTES = 16
DIGEST_BYTES = 32


class Kind(enum.IntEnum):
    """The last byte of the prefix of a file."""

    HEADER = 1
    ORIGINAL = 3
    THUMBNAIL = 4
    VECTORS = 5
    HINTS = 7
    TAGS = 8
    CHUNKED_ORIGINAL = 9
    LIST = 10
    RECORDS = 11
    CHECKS = 12
    PARTS = 13
    PACK_INDEX = 14
    TABLE = 15
    COPY = 16


class ObjectKey(NamedTuple):
    """64 bytes: the first half for the MAC, the other for AES."""

    mac: bytes
    aes: bytes


def padme(length: int) -> int:
    """The padded length, for lengths of at least 2."""
    exponent = length.bit_length() - 1
    kept = exponent.bit_length()
    step = 1 << (exponent - kept)
    return -(-length // step) * step


def padded_bytes(content_bytes: int) -> int:
    return padme(LENGTH_BYTES + content_bytes)


def sealed_bytes(plaintext_bytes: int) -> int:
    """IV, ciphertext and tag. PKCS#7 adds 1 to 16 bytes."""
    return IV_BYTES + (plaintext_bytes // BLOCK_BYTES + 1) * BLOCK_BYTES + TAG_BYTES


def file_bytes(content_bytes: int) -> int:
    """Length of an encrypted file with this much content."""
    return PREFIX_BYTES + sealed_bytes(padded_bytes(content_bytes))


def prefix(kind: Kind) -> bytes:
    return MAGIC + bytes([VERSION, kind])


def check_prefix(data: bytes, kind: Kind) -> None:
    require(data[:8] == MAGIC, "does not begin with CIPHLENS")
    require(data[8] == VERSION, f"version {data[8]}, expected {VERSION}")
    require(data[9] == kind, f"kind {data[9]}, expected {int(kind)}")


def authentication_tag(key: ObjectKey, associated_data: bytes, iv_and_ciphertext: bytes) -> bytes:
    mac = hmac.new(key.mac, associated_data, hashlib.sha512)
    mac.update(iv_and_ciphertext)
    mac.update(struct.pack(">Q", 8 * len(associated_data)))
    return mac.digest()[:TAG_BYTES]


def open_sealed(sealed: bytes, key: ObjectKey, associated_data: bytes) -> bytes:
    """The plaintext of IV, ciphertext and tag, without its PKCS#7 padding."""
    ciphertext_bytes = len(sealed) - IV_BYTES - TAG_BYTES
    require(
        ciphertext_bytes >= BLOCK_BYTES and ciphertext_bytes % BLOCK_BYTES == 0,
        f"{len(sealed)} bytes cannot be an IV, whole blocks and a tag",
    )
    expected = authentication_tag(key, associated_data, sealed[:-TAG_BYTES])
    require(hmac.compare_digest(expected, sealed[-TAG_BYTES:]), "its authentication tag is wrong")
    decryptor = Cipher(algorithms.AES(key.aes), modes.CBC(sealed[:IV_BYTES])).decryptor()
    padded = decryptor.update(sealed[IV_BYTES:-TAG_BYTES]) + decryptor.finalize()
    added = padded[-1]
    require(
        1 <= added <= BLOCK_BYTES and padded[-added:] == bytes([added]) * added,
        "PKCS#7 padding is wrong",
    )
    return padded[:-added]


def content_of(plaintext: bytes) -> bytes:
    """Takes length and zeros away."""
    require(len(plaintext) >= LENGTH_BYTES, "plaintext has no length")
    (length,) = struct.unpack_from("<Q", plaintext)
    require(
        length <= len(plaintext) and padded_bytes(length) == len(plaintext),
        f"{length} bytes of content are padded to {len(plaintext)} bytes",
    )
    end = LENGTH_BYTES + length
    require(not any(plaintext[end:]), "padding is not zero")
    return plaintext[LENGTH_BYTES:end]


def open_file(data: bytes, kind: Kind, key: ObjectKey, bound_to: bytes) -> bytes:
    """The content of an encrypted file. `bound_to`: vault id, object id, then number or space id, if it has one."""
    if len(data) < PREFIX_BYTES:
        raise Damaged(f"{len(data)} bytes are too short")
    check_prefix(data, kind)
    return content_of(open_sealed(data[PREFIX_BYTES:], key, prefix(kind) + bound_to))
