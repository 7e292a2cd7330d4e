"""Sealing a run that has ended: its manifest, its place in the chain, its signature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verify.proof import chain
from verify.proof.chain import ChainError
from verify.run.settings import RunError, Settings
from verify.run.verification import Run

if TYPE_CHECKING:
    from verify.proof.signature import Signer


class SealError(Exception):
    """The run could not be sealed. The message names the cause and the remedy."""


def require_key(settings: Settings) -> None:
    """Raise RunError where the signing key is a file that cannot be used: before anything runs."""
    if settings.signing_key is not None and not _is_of_kms(settings.signing_key):
        # Imported here and below: it takes long, and few runs are signed.
        from verify.proof.signature import FileSigner, SigningError

        try:
            FileSigner(Path(settings.signing_key))
        except SigningError as error:
            raise RunError(str(error)) from None


def seal(run: Run) -> None:
    """Seal a run's folder, and sign it where that was asked for. Raises SealError."""
    try:
        key = run.settings.signing_key
        if key is None:
            chain.seal(run.folder, run.settings.run_id)
        else:
            _seal_signed(run, key)
    except ChainError as error:
        raise SealError(f"the run could not be sealed: {error}") from error


def _seal_signed(run: Run, key: str) -> None:
    from verify.proof.signature import SigningError

    try:
        chain.seal(run.folder, run.settings.run_id, _signer(run, key))
    except SigningError as error:
        raise SealError(f"the run could not be signed: {error}") from error


def _signer(run: Run, key: str) -> Signer:
    from verify.proof.signature import FileSigner, KmsSigner

    if not _is_of_kms(key):
        return FileSigner(Path(key))
    region = key.split(":")[3] if key.startswith("arn:") else run.deployment.region
    return KmsSigner(run.aws.client("kms", region), key)


def _is_of_kms(key: str) -> bool:
    return key.startswith(("arn:", "alias/"))
