"""Tables: rows that belong to the whole vault."""

from __future__ import annotations

import struct

import fields
from envelope import Kind
from errors import Unreadable, require
from fields import Field
from folder import digest
from mapping import Table
from vault import Vault

SOURCES = "sources"
HISTORY = "history"
# Length of each field of the tables that this reader knows; None if it varies.
KNOWN: dict[str, dict[int, int | None]] = {
    SOURCES: {1: 16, 2: None, 3: 8, 4: None},
    "labels": {1: 8, 2: 16, 3: 1, 4: None},
    "tombstones": {1: 32, 2: 8, 3: None},
    HISTORY: {1: 8, 2: 64},
    "settings": {1: None, 2: None},
}
TEXTS = {SOURCES: (2,), "labels": (4,), "settings": (1,)}
# Most bytes of the fields that have a limit of their own.
MOST_BYTES = {SOURCES: {2: 256, 4: 4096}}


def refuse_unknown(tables: list[Table]) -> None:
    for table in tables:
        if table.needs == "read" and table.name not in KNOWN:
            raise Unreadable(f"the vault has a table '{table.name}' that needs a newer reader")


def verify_page(vault: Vault, table: Table, number: int) -> None:
    if table.name in KNOWN:
        read_page(vault, table, number)
    else:
        vault.read_named(table.pages[number], "table", fields.FILE_MOST_BYTES)


def read_page(vault: Vault, table: Table, number: int) -> list[list[Field]]:
    object_id = digest(table.name.encode("ascii"))[:16]
    content = vault.open_named(
        table.pages[number], "table", Kind.TABLE, "table", object_id, bound_to=struct.pack("<I", number)
    )
    rows = fields.parse_rows(fields.inflate(content), frozenset(KNOWN[table.name]))
    for row in rows:
        _check_row(table.name, row)
    return rows


def verify_history(vault: Vault, table: Table) -> None:
    """The generations before this one: all pages but the last are full, and each generation comes once, in order."""
    pages = [read_page(vault, table, number) for number in range(len(table.pages))]
    require(all(len(page) == fields.ROWS_MOST for page in pages[:-1]), "a page of the history is not full")
    seen = []
    for row in (row for page in pages for row in page):
        values = {field.tag: field.value for field in row}
        seen.append((int.from_bytes(values[1], "little"), values[2]))
    require(all(one < other for one, other in zip(seen, seen[1:], strict=False)), "the history is not in order")
    mapping = vault.mapping
    require(all(generation < mapping.generation for generation, _ in seen), "the history is not of the past")
    tags = [tag for _, tag in seen]
    require(all(parent in tags for parent in mapping.parents), "a parent is not in the history")


def _check_row(table: str, row: list[Field]) -> None:
    fields.refuse_critical(row)
    lengths = KNOWN[table]
    require(set(lengths) <= {field.tag for field in row}, f"a row of '{table}' lacks a field")
    for field in row:
        expected = lengths.get(field.tag)
        if expected is not None:
            require(len(field.value) == expected, f"field {field.tag} does not have {expected} bytes")
        most = MOST_BYTES.get(table, {}).get(field.tag, fields.ROW_MOST_BYTES)
        require(len(field.value) <= most, f"field {field.tag} has {len(field.value)} bytes, at most {most}")
        if field.tag in TEXTS.get(table, ()):
            fields.text_of(field.value)


def source_labels(vault: Vault) -> dict[bytes, str]:
    labels = {}
    for table in vault.mapping.tables:
        if table.name != SOURCES:
            continue
        for number in range(len(table.pages)):
            for row in read_page(vault, table, number):
                values = {field.tag: field.value for field in row}
                labels[values[1]] = fields.text_of(values.get(2, b""))
    return labels
