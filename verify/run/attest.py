"""`python -m verify attest`: what of an attestation is to be signed, or its signature."""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Sequence
from pathlib import Path

from verify.console import complain
from verify.inputs.attestations import AttestationError, read
from verify.proof.signature import FileSigner, SigningError

DONE, CANNOT = 0, 2


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        found = [one for one in read(asked.file) if one.entry["title"] == asked.title]
        if not found:
            return _cannot(f"{asked.file} has no attestation {asked.title!r}")
        [stated] = found
        if asked.signing_key is None:
            sys.stdout.buffer.write(stated.text)
        else:
            signature = FileSigner(asked.signing_key).sign(stated.text)
            sys.stdout.write(base64.b64encode(signature).decode("ascii") + "\n")
    except (AttestationError, SigningError) as error:
        return _cannot(str(error))
    return DONE


def _cannot(message: str) -> int:
    complain("attest", message)
    return CANNOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify attest",
        description="Print what of an attestation is to be signed (all that it states, and its "
        "attachment's hash), or with a key its signature, for `signature:` in the file.",
        epilog="exit codes: 0 printed; 2 it cannot be, and the message says why.",
    )
    parser.add_argument("file", type=Path, help="the attestations (YAML)")
    parser.add_argument("title", help="of the attestation")
    parser.add_argument(
        "--signing-key", metavar="FILE", type=Path, help="sign it with this Ed25519 key (PEM)"
    )
    return parser
