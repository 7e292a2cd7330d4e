"""`python -m verify upload`: put a sealed run, or every run of a folder, into a bucket."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from verify.console import complain, say
from verify.inputs import deployment
from verify.inputs.deployment import DeploymentError
from verify.proof import bucket, chain, manifest
from verify.proof.bucket import BucketError
from verify.proof.chain import ChainError
from verify.proof.upload import upload
from verify.run import given, verifier_role
from verify.run.settings import RunError

PUT, CANNOT_PUT = 0, 2

_EPILOG = f"""\
exit codes: {PUT} every run is there; {CANNOT_PUT} one is not, and the message says why: another
upload goes on from there.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    try:
        address = bucket.parse(read.bucket)
        runs = _runs(read.folder.resolve())
        if not runs:
            return _cannot(f"{read.folder} holds no sealed run: name reports or reports/latest")
        client = bucket.client(_become_verifier(runs[-1]) if read.as_verifier else None)
        for run in runs:
            upload(client, address, run, say)
    except (BucketError, ChainError, DeploymentError, RunError) as error:
        return _cannot(str(error))
    say(f"in {address}: {len(runs)} run{'' if len(runs) == 1 else 's'}")
    return PUT


def _runs(folder: Path) -> list[Path]:
    if chain.is_kept(folder):
        return [folder / link.run_id for link in chain.read(folder)]
    return [folder] if (folder / manifest.FILE_NAME).is_file() else []


def _become_verifier(run: Path) -> str:
    """Go on as the verifier role of the deployment that a run is of; its region."""
    path = str(run / given.FOLDER / "outputs.json")
    deployed = deployment.parse(deployment.read(path), path)
    verifier_role.assume(deployed, run.name)
    return deployed.region


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
    parser.add_argument(
        "--as-verifier",
        action="store_true",
        help="assume the verifier role of the deployment that the run is of: a bucket that "
        "Terraform made lets nobody else write",
    )
    return parser
