"""Reports in a bucket: by which address they are named, and what S3 refuses.

`s3://bucket/[prefix/]<run>/...` are the files of a run, `.../chain/<run>.json` its line of the
chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from verify.account.errors import describe

SCHEME = "s3://"
AT_A_TIME = 16  # objects
# As `verify.run.settings.new_run_id` makes them.
RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# A part of a key that can be a file's name, and leads nowhere else.
_PART = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,200}")


class BucketError(Exception):
    """Reports cannot be written into a bucket or read from it. The message says why and how."""


@dataclass(frozen=True)
class Address:
    """Where reports lie: a bucket, and how their keys begin, with a slash at its end or empty."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"

    def key(self, name: str) -> str:
        """The key of what lies there under a name."""
        return self.prefix + name


def parse(text: str) -> Address:
    """The address that `s3://bucket/prefix` names. Raises BucketError."""
    bucket, _, prefix = text.removeprefix(SCHEME).partition("/")
    parts = [part for part in prefix.split("/") if part]
    if not (text.startswith(SCHEME) and _BUCKET.fullmatch(bucket) and all(map(is_part, parts))):
        raise BucketError(
            f"{text!r} is no address of reports in a bucket: write s3://<bucket> or "
            "s3://<bucket>/<prefix>"
        )
    return Address(bucket, "".join(f"{part}/" for part in parts))


def is_part(text: str) -> bool:
    """Whether a part of a key can be a file's or folder's name."""
    return _PART.fullmatch(text) is not None


def client(region: str | None = None) -> Any:
    """A client of S3's, by what the environment says. Raises BucketError."""
    # Imported here: it takes long, and whoever looks at a folder asks nobody.
    import boto3
    from botocore.config import Config

    from verify.account import sessions

    session = boto3.Session(botocore_session=sessions.plain_session())
    config = Config(
        retries={"mode": "adaptive", "max_attempts": 6},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=AT_A_TIME,
    )
    with asking("anything", session.region_name or "no region"):
        return session.client("s3", region_name=region, config=config)


@contextmanager
def asking(operation: str, region: str) -> Iterator[None]:
    """Tell what S3 refuses inside the `with` block as BucketError."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise BucketError(describe(error, "s3", operation, region)) from error
