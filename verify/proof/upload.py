"""Putting a sealed run into a bucket, where Object Lock keeps it.

What is there already is never written again, so that each object has the one version that was
sealed. The manifest comes after what it lists, and the run's line of the chain last: a run of which
an upload broke off is seen to be unfinished, and can be put there again.

Source: Amazon S3 API Reference, PutObject (If-None-Match; a bucket with Object Lock demands a
checksum).
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import ClientError

from verify.proof import chain, manifest
from verify.proof.bucket import Address, BucketError, asking
from verify.proof.manifest import ManifestError

# What is called; a run's clients know no others.
OPERATIONS = frozenset({"get_object", "head_bucket", "put_object"})
_AT_A_TIME = 8
_BLOCK = 1024 * 1024
_THERE_ALREADY = "PreconditionFailed"


def upload(client: Any, address: Address, folder: Path, tell: Callable[[str], None]) -> None:
    """Put a sealed run's files, and then its line of the chain, into a bucket.

    `tell` is told how it goes. Raises BucketError; what was put by then stays, and another upload
    goes on from there.
    """
    try:
        stated = manifest.read(folder)
        changed = manifest.differences(folder, stated)
    except (ManifestError, OSError) as error:
        raise BucketError(f"nothing was put into {address}: {error}") from error
    if changed:
        raise BucketError(
            f"nothing was put into {address}, for {folder} is not as it was sealed: {changed[0]}"
            + (f", and {len(changed) - 1:,} more" if len(changed) > 1 else "")
        )
    names = [entry.file for entry in stated.files]
    tell(f"putting {len(names):,} files of {stated.run_id} into {address}")
    put = partial(_put_file, client, address, folder, stated.run_id)
    with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="upload") as executor:
        try:
            list(executor.map(put, names))
        except BucketError:
            executor.shutdown(wait=True, cancel_futures=True)
            raise
    for name in _beside(folder):
        put(name)
    line = chain.line(stated.link).encode()
    _put(client, address.bucket, address.key(f"{chain.LINES}/{stated.run_id}.json"), BytesIO(line))


def _beside(folder: Path) -> Iterator[str]:
    """What is made of the manifest, where there is some, and then the manifest."""
    yield from sorted(
        name for name in manifest.BESIDE - {manifest.FILE_NAME} if (folder / name).exists()
    )
    yield manifest.FILE_NAME


def _put_file(client: Any, address: Address, folder: Path, run_id: str, name: str) -> None:
    try:
        with (folder / name).open("rb") as stream:
            _put(client, address.bucket, address.key(f"{run_id}/{name}"), stream)
    except OSError as error:
        raise BucketError(f"{folder / name} cannot be read: {error}") from error


def _put(client: Any, bucket: str, key: str, stream: IO[bytes]) -> None:
    """Put an object that is not there yet, or see that it is the same. Raises BucketError."""
    kind, _ = mimetypes.guess_type(key)
    with asking("put_object", client.meta.region_name):
        try:
            client.put_object(
                Bucket=bucket,
                Key=key,
                Body=stream,
                ChecksumAlgorithm="SHA256",
                ContentType=kind or "application/octet-stream",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _THERE_ALREADY:
                raise
        else:
            return
    with asking("get_object", client.meta.region_name):
        there = client.get_object(Bucket=bucket, Key=key)["Body"]
        stream.seek(0)
        if _digest(there) != _digest(stream):
            raise BucketError(
                f"s3://{bucket}/{key} is there already, with another content: see by its versions "
                "who wrote it; nothing is written over"
            )


def _digest(stream: Any) -> str:
    found = hashlib.sha256()
    while block := stream.read(_BLOCK):
        found.update(block)
    return found.hexdigest()
