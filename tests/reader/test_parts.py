"""Tests of what needs no vault: padding, keys, canonical JSON, fields, records."""

from __future__ import annotations

import struct
import unittest
from typing import Any

import canonical_json
import fields
import records
import sample
from envelope import ObjectKey, content_of, file_bytes, open_sealed, padme
from errors import Damaged, Unreadable
from keys import Cost, prepare_passphrase

KEY = ObjectKey(bytes(32), bytes(range(32)))


class Padding(unittest.TestCase):
    def test_padme_rounds_up_by_an_eighth_at_most(self) -> None:
        examples = {8: 8, 9: 10, 10: 10, 31: 32, 100: 104, 1000: 1024, 3336: 3456, (1 << 20) + 1: (1 << 20) + 32768}
        for length, padded in examples.items():
            self.assertEqual(padme(length), padded, length)
        for length in range(2, 5000):
            self.assertGreaterEqual(padme(length), length)
            self.assertEqual(padme(padme(length)), padme(length))

    def test_a_page_of_tags_has_a_known_length(self) -> None:
        self.assertEqual(file_bytes(64 * 52), 3530)

    def test_other_padding_is_refused(self) -> None:
        self.assertEqual(content_of(sample.pad(b"x" * 90)), b"x" * 90)
        short = struct.pack("<Q", 90) + b"x" * 90
        for wrong in (short, short + bytes(6) + b"\1", short + bytes(20), b"", bytes(7)):
            with self.assertRaises(Damaged):
                content_of(wrong)


class Sealing(unittest.TestCase):
    def test_the_example_of_rfc_7518_opens(self) -> None:
        """Appendix B.3: AES_256_CBC_HMAC_SHA_512."""
        key = ObjectKey(bytes(range(32)), bytes(range(32, 64)))
        text = (
            b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the"
            b" enemy without inconvenience"
        )
        associated_data = b"The second principle of Auguste Kerckhoffs"
        sealed = bytes.fromhex(
            "1af38c2dc2b96ffdd86694092341bc04"
            "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd"
            "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b"
            "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
            "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b"
            "be2638d09dd7a4930930806d0703b1f6"
            "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"
        )
        self.assertEqual(open_sealed(sealed, key, associated_data), text)

    def test_a_changed_byte_does_not_open(self) -> None:
        sealed = sample.seal(b"plaintext", KEY, b"where")
        self.assertEqual(open_sealed(sealed, KEY, b"where"), b"plaintext")
        for position in range(len(sealed)):
            changed = bytearray(sealed)
            changed[position] ^= 1
            with self.assertRaises(Damaged):
                open_sealed(bytes(changed), KEY, b"where")
        with self.assertRaises(Damaged):
            open_sealed(sealed, KEY, b"elsewhere")


class Passphrases(unittest.TestCase):
    def test_spaces_and_accents_have_one_form(self) -> None:
        self.assertEqual(prepare_passphrase("e\u0301\u3000\u00a0x"), "é  x".encode())

    def test_control_characters_and_lengths_are_refused(self) -> None:
        for wrong in ("", "a\tb", "a\x7f", "x" * 4097, "é" * 2049):
            with self.assertRaises(Unreadable):
                prepare_passphrase(wrong)

    def test_costs_have_limits(self) -> None:
        self.assertTrue(Cost(19 * 1024, 1, 1).allowed())
        self.assertTrue(Cost(2 << 20, 16, 16).allowed())
        for cost in (Cost(19 * 1024 - 1, 1, 1), Cost((2 << 20) + 1, 1, 1), Cost(65536, 17, 1), Cost(65536, 1, 0)):
            self.assertFalse(cost.allowed())


class CanonicalJson(unittest.TestCase):
    def test_one_form_is_accepted(self) -> None:
        text = '{\n  "a": 1,\n  "b": [],\n  "c": [\n    null,\n    "é\\"\\u001f"\n  ]\n}'.encode()
        self.assertEqual(canonical_json.parse(text), {"a": 1, "b": [], "c": [None, 'é"\x1f']})

    def test_others_are_refused(self) -> None:
        for wrong in (
            b'{"a": 1}',
            b'{\n  "a": 1\n}\n',
            b'{\n  "a": 1,\n  "a": 1\n}',
            b'{\n  "a": 1.0\n}',
            b'{\n  "a": -0\n}',
            b'{\n  "a": NaN\n}',
            b'{\n  "a": "\\u00e9"\n}',
            b'{\n  "a": "\\ud800"\n}',
            b'{\n  "a": "\xff"\n}',
            b"[" * 100_000,
            b"",
        ):
            with self.assertRaises(Damaged):
                canonical_json.parse(wrong)

    def test_fields_are_there_in_their_order(self) -> None:
        canonical_json.Fields({"a": 1, "b": 2}, "a", "b")
        others: list[Any] = [{"b": 2, "a": 1}, {"a": 1}, {"a": 1, "b": 2, "c": 3}, []]
        for wrong in others:
            with self.assertRaises(Damaged):
                canonical_json.Fields(wrong, "a", "b")

    def test_hexadecimal_digits_are_lower_case(self) -> None:
        self.assertEqual(canonical_json.hexadecimal("0aff", 2), b"\x0a\xff")
        for wrong in ("0AFF", "0af", "0aff00", "0afg", 1, None):
            with self.assertRaises(Damaged):
                canonical_json.hexadecimal(wrong, 2)


class Fields(unittest.TestCase):
    def test_rows_are_read_back(self) -> None:
        packed = sample.rows([[(1, b"a"), (4, b""), (4, b"b"), (900, b"later")], []])
        found = fields.parse_rows(packed, frozenset({1}))
        self.assertEqual(found, [[(1, b"a"), (4, b""), (4, b"b"), (900, b"later")], []])

    def test_order_repetition_and_rests_are_refused(self) -> None:
        whole = sample.rows([[(1, b"a")]])
        for wrong in (
            sample.rows([[(2, b""), (1, b"")]]),
            sample.rows([[(1, b""), (1, b"")]]),
            sample.rows([[(1, bytes(65_528))]]),
            whole + b"\0",
            *(whole[:length] for length in range(len(whole))),
        ):
            with self.assertRaises(Damaged):
                fields.parse_rows(wrong, frozenset({1}))

    def test_a_critical_field_is_refused(self) -> None:
        fields.refuse_critical([fields.Field(32_767, b"")])
        with self.assertRaises(Damaged):
            fields.refuse_critical([fields.Field(32_768, b"")])

    def test_compressed_data_has_a_limit_and_an_end(self) -> None:
        packed = sample.deflate(b"content")
        self.assertEqual(fields.inflate(packed), b"content")
        for wrong in (packed[:-1], packed + b"\0", b"\xff", b"", sample.deflate(bytes((64 << 20) + 1))):
            with self.assertRaises(Damaged):
                fields.inflate(wrong)


class Records(unittest.TestCase):
    def setUp(self) -> None:
        place = struct.pack("<16sqI", bytes(16), -5, 7) + b"a/\xffb"
        self.fields = {1: bytes(16), 2: bytes(32), 3: struct.pack("<Q", 9), 4: place}

    def parse(self, **changed: bytes) -> records.Record:
        values = self.fields | {int(tag[1:]): value for tag, value in changed.items()}
        return records.parse(sample.rows([sorted(values.items())]))[0]

    def refused(self, **changed: bytes) -> None:
        with self.assertRaises(Damaged, msg=str(changed)):
            self.parse(**changed)

    def test_a_record_is_read(self) -> None:
        record = self.parse(
            _8=b"\x032019-07-04T05:06:07", _16=struct.pack("<q", 12), _17=bytes(16) + b"\2\0\0\0", _31000=b"kept"
        )
        self.assertEqual((record.captured, record.captured_from), ("2019-07-04T05:06:07", "file name"))
        self.assertEqual((record.length, record.removed, record.thumbnail), (9, 12, (bytes(16), 2)))
        self.assertEqual((record.found[0].path, record.found[0].modified), (b"a/\xffb", (-5, 7)))

    def test_paths_that_lead_out_of_their_folder_are_refused(self) -> None:
        start = struct.pack("<16sqI", bytes(16), 0, 0)
        for path in (b"", b"/a", b"a/", b"a//b", b".", b"..", b"a/../b", b"a\0b", b"x" * 4097):
            self.refused(_4=start + path)

    def test_values_that_are_not_allowed_are_refused(self) -> None:
        place = self.fields[4]
        self.refused(_1=bytes(15))
        self.refused(_4=place[:24] + struct.pack("<I", 10**9) + place[28:])
        self.refused(_4=place[:24] + struct.pack("<I", 0xFFFF_FFFF) + place[28:])
        self.refused(_5=b"x" * 128)
        self.refused(_7=b"\0")
        for date in (b"", b"\x01", b"\x012020-1-1", b"2020-01-02T03:04:05", b"\x012020-01-02T03:04:05Z"):
            self.refused(_8=date)
        self.refused(_9=b"no model")
        self.refused(_10=b"\xff")
        self.refused(_18=b"")
        self.refused(_18=bytes(32))
        self.refused(_40000=b"")

    def test_what_makes_no_sense_or_is_of_a_later_version_is_not_refused(self) -> None:
        companion = struct.pack("<B16s32sQ", 9, bytes(16), bytes(32), 0) + self.fields[4]
        nowhere = struct.pack("<iii", 900_000_001, 0, 0)
        exposure = struct.pack("<5I", 1, 0, 0, 0, 0)
        record = self.parse(_8=b"\x092019-07-04T05:06:07", _11=exposure, _12=nowhere, _14=companion)
        self.assertEqual((record.captured_from, record.companions[0].role), ("origin 9", 9))


if __name__ == "__main__":
    unittest.main()
