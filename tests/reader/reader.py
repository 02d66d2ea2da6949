#!/usr/bin/env python3
"""Reads a vault of format 3, from docs/vault-format.md alone. It never writes into the vault.

Exit code 0: whole. 1: damaged, with a line for each problem. 2: a wrong passphrase, not a vault, or wrong usage.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys

import export
import tables
from errors import Problems, Unreadable
from export import Naming, Target
from keys import prepare_passphrase
from vault import Vault, open_vault
from verify import Verification

PASSPHRASE_FILE_MOST_BYTES = 8192


def read_passphrase(path: str) -> bytes:
    """Without the newline at the end of the file."""
    try:
        with open(path, "rb") as file:
            data = file.read(PASSPHRASE_FILE_MOST_BYTES)
        text = data.decode("utf-8")
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable("the passphrase is not UTF-8") from None
    return prepare_passphrase(text.removesuffix("\n").removesuffix("\r"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Reads a cipherlens vault of format 3.")
    parser.add_argument("vault")
    parser.add_argument("--passphrase-file", required=True, help="UTF-8, in one line")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("verify", help="verify everything in the vault")
    commands.add_parser("list", help="one line of JSON for each image")
    originals = commands.add_parser("export", help="write originals into a folder")
    originals.add_argument("folder")
    originals.add_argument("--by", choices=[naming.value for naming in Naming], default=Naming.ID.value)
    thumbnails = commands.add_parser("thumbnails", help="write thumbnails into a folder")
    thumbnails.add_argument("folder")
    return parser.parse_args()


def run(vault: Vault, options: argparse.Namespace, problems: Problems) -> None:
    if options.command == "verify":
        verification = Verification(vault, problems)
        verification.run()
        for path in verification.unreferenced():
            print(f"note: nothing refers to {path}", file=sys.stderr)
        counted = f"{verification.images} images, {verification.companions} companions"
        print(f"generation {vault.mapping.generation}: {counted}", file=sys.stderr)
    elif options.command == "list":
        for row in export.listing(vault, problems):
            print(json.dumps(row))
    elif options.command == "export":
        target = Target(options.folder, options.vault)
        written = export.export_originals(vault, target, Naming(options.by), problems)
        print(f"{written} files", file=sys.stderr)
    else:
        written = export.export_thumbnails(vault, Target(options.folder, options.vault), problems)
        print(f"{written} files", file=sys.stderr)


def main() -> int:
    # `reader.py ... list | head` ends quietly.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    options = arguments()
    problems = Problems()
    try:
        vault = open_vault(options.vault, read_passphrase(options.passphrase_file), problems)
        if vault is not None:
            tables.refuse_unknown(vault.mapping.tables)
            run(vault, options, problems)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    for path, text in problems.found:
        print(f"{path}: {text}", file=sys.stdout if options.command == "verify" else sys.stderr)
    return 1 if problems.found else 0


if __name__ == "__main__":
    sys.exit(main())
