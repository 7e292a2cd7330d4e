"""Build the function's deployment package, the same bytes wherever and whenever it is built.

    python lambda/build.py                 write lambda/dist/compliance_checker.zip
    python lambda/build.py --output PATH   write it there

Prints the path, the SHA-256 in hexadecimal, and the same in base64, as Lambda reports it in
CodeSha256, each with its name. Needs the standard library only.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import sys
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_PACKAGE = _HERE / "compliance_checker"
_DEFAULT_OUTPUT = _HERE / "dist" / "compliance_checker.zip"
# What goes into the package: sources, the filter pattern that a rule compares with, and the tables
# that policies are judged by.
_PACKAGED = frozenset({".json", ".py", ".txt"})
# The earliest time that a zip can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644


def build(package: Path = _PACKAGE) -> bytes:
    """The package as zip bytes: the text files in `_PACKAGED`, sorted, with fixed times and modes.

    Stored without compression: what zlib makes of the same bytes differs between its versions.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for source in sorted(package.rglob("*"), key=lambda path: path.as_posix()):
            if source.suffix not in _PACKAGED:
                continue
            name = (Path(package.name) / source.relative_to(package)).as_posix()
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, also when built on Windows
            entry.external_attr = _REGULAR_FILE << 16
            archive.writestr(entry, source.read_bytes().replace(b"\r\n", b"\n"))
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="build.py", description="Build the compliance function's deployment package."
    )
    parser.add_argument(
        "--output", type=Path, default=_DEFAULT_OUTPUT, help="where to write the zip"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 2 a file that can't be used."""
    options = _arguments(arguments)
    try:
        content = build()
        _write(options.output, content)
    except OSError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 2
    digest = hashlib.sha256(content)
    print(f"function's package   {options.output}")
    print(f"its SHA-256          {digest.hexdigest()}")
    print(f"as Lambda tells it   {base64.b64encode(digest.digest()).decode('ascii')} (CodeSha256)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
