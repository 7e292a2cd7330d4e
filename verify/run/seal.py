"""Sealing a run that has ended: its manifest, its place in the chain, its signature, the time.

And putting the sealed run into a bucket.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from verify.proof import bucket, chain
from verify.proof.bucket import BucketError
from verify.proof.chain import ChainError
from verify.proof.upload import upload
from verify.run.settings import RunError, Settings
from verify.run.verification import Run

if TYPE_CHECKING:
    from verify.proof.signature import Signer
    from verify.proof.time_stamp import Authority


class SealError(Exception):
    """The run could not be sealed. The message names the cause and the remedy."""


class NotPutError(Exception):
    """The sealed run is not in its bucket. The message names the cause and the remedy."""


def require_usable(settings: Settings) -> None:
    """Raise RunError where a run cannot be sealed as it is asked for: before anything runs.

    The signing key is a file that cannot be used, or an address leads nowhere.
    """
    if settings.reports_bucket is not None:
        try:
            bucket.parse(settings.reports_bucket)
        except BucketError as error:
            raise RunError(str(error)) from None
    if settings.signing_key is not None and not _is_of_kms(settings.signing_key):
        # Imported here and below: it takes long, and few runs are signed.
        from verify.proof.signature import FileSigner, SigningError

        try:
            FileSigner(Path(settings.signing_key))
        except SigningError as error:
            raise RunError(str(error)) from None
    if settings.timestamp_url is not None:
        from verify.proof.time_stamp import StampingError

        try:
            _authority(settings.timestamp_url)
        except StampingError as error:
            raise RunError(str(error)) from None


def seal(run: Run) -> None:
    """Seal a run's folder, signed and with a time stamp where that was asked for.

    Raises SealError: then it is not sealed at all.
    """
    key, url = run.settings.signing_key, run.settings.timestamp_url
    try:
        if key is None and url is None:
            chain.seal(run.folder, run.settings.run_id)
        else:
            _seal_proven(run, key, url)
    except ChainError as error:
        raise SealError(f"the run could not be sealed: {error}") from error


def _seal_proven(run: Run, key: str | None, url: str | None) -> None:
    from verify.proof.signature import SigningError
    from verify.proof.time_stamp import StampingError

    signer = None if key is None else _signer(run, key)
    authority = None if url is None else _authority(url)
    try:
        chain.seal(run.folder, run.settings.run_id, signer, authority)
    except SigningError as error:
        raise SealError(f"the run could not be signed: {error}") from error
    except StampingError as error:
        raise SealError(f"the run could not be sealed with a time stamp: {error}") from error


def put(run: Run, tell: Callable[[str], None]) -> None:
    """Put a sealed run into the bucket that was asked for, if one was. Raises NotPutError."""
    place = run.settings.reports_bucket
    if place is None:
        return
    client = run.aws.client("s3", run.deployment.region)
    try:
        upload(client, bucket.parse(place), run.folder, tell)
    except BucketError as error:
        as_verifier = "--as-verifier " if run.settings.as_verifier else ""
        raise NotPutError(
            f"the run is sealed in {run.folder}, and not whole in {place}: {error}; once that is "
            f"mended, `python -m verify upload {as_verifier}{run.folder} {place}` puts it there"
        ) from error


def _signer(run: Run, key: str) -> Signer:
    from verify.proof.signature import FileSigner, KmsSigner

    if not _is_of_kms(key):
        return FileSigner(Path(key))
    region = key.split(":")[3] if key.startswith("arn:") else run.deployment.region
    return KmsSigner(run.aws.client("kms", region), key)


def _authority(url: str) -> Authority:
    from verify.proof.time_stamp import Authority

    return Authority(url)


def _is_of_kms(key: str) -> bool:
    return key.startswith(("arn:", "alias/"))
