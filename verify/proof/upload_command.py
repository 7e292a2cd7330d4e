"""`python -m verify upload`: put a sealed run, or every run of a folder, into a bucket."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from verify.console import complain, say
from verify.proof import bucket, chain, manifest
from verify.proof.bucket import BucketError
from verify.proof.chain import ChainError
from verify.proof.upload import upload

PUT, CANNOT_PUT = 0, 2

_EPILOG = f"""\
exit codes: {PUT} every run is there; {CANNOT_PUT} one is not, and the message says why: another
upload goes on from there.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    folder: Path = read.folder.resolve()
    try:
        address = bucket.parse(read.bucket)
        if chain.is_kept(folder):
            runs = [folder / link.run_id for link in chain.read(folder)]
        elif (folder / manifest.FILE_NAME).is_file():
            runs = [folder]
        else:
            return _cannot(f"{read.folder} holds no sealed run: name reports or reports/latest")
        client = bucket.client()
        for run in runs:
            upload(client, address, run, say)
    except (BucketError, ChainError) as error:
        return _cannot(str(error))
    say(f"{len(runs)} runs are in {address}")
    return PUT


def _cannot(message: str) -> int:
    complain("upload", message)
    return CANNOT_PUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify upload",
        description="Put a sealed run, or every run of a folder, into a bucket, as `make verify "
        "REPORTS_BUCKET=...` does with its own. What is there already stays as it is, and must be "
        "the same.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", type=Path, help="of a run (reports/latest), or of all of them (reports)"
    )
    parser.add_argument("bucket", help="where to: s3://<bucket>/[<prefix>]")
    return parser
