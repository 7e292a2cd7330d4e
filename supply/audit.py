"""What is known of what is locked: pip-audit's answer, in which what was not seen never passes.

pip-audit itself exits with 0 when its source of data knew none of the distributions, and with 1
both when it found something and when it could not ask.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supply import lock
from supply.errors import SupplyError

_REMEDY = (
    "it asks PyPI, and with AUDIT_ARGS='-s osv' OSV: let this machine reach one of them, or run "
    "`make audit` where it can"
)


@dataclass(frozen=True)
class Audited:
    """What is known of one lock's distributions.

    `vulnerable` are lines for people; `unseen` are those of which nothing could be learnt, with
    why.
    """

    total: int
    vulnerable: tuple[str, ...]
    unseen: tuple[str, ...]


def audit(program: Path, path: Path, arguments: Sequence[str]) -> Audited:
    """What pip-audit, at `program`, knows of the lock at `path`; `arguments` are passed on to it.

    Raises SupplyError when it cannot be run or its answer cannot be read, as without network.
    """
    pins = lock.pins(path)
    command = [str(program), "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    command += ["--format=json", f"--requirement={path}", *arguments]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise SupplyError(f"{program} could not be run ({error})", "run `make audit`") from error
    try:
        return judge(json.loads(done.stdout), pins.keys())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else f"it printed no JSON and exited with {done.returncode}"
        raise SupplyError(f"pip-audit could not look at {path}: {why}", _REMEDY) from error


def judge(answer: Any, wanted: Collection[str]) -> Audited:
    """Judge what pip-audit printed as JSON about the distributions `wanted` (normalized names).

    Raises KeyError or TypeError for what is not of its form.
    """
    found = {lock.normalized(one["name"]): one for one in answer["dependencies"]}
    vulnerable = [
        f"{name} {one['version']}: {known['id']}"
        + (f", mended in {', '.join(known['fix_versions'])}" if known["fix_versions"] else "")
        for name, one in sorted(found.items())
        for known in one.get("vulns", [])
    ]
    unseen = [
        f"{name}: {found[name]['skip_reason'] if name in found else 'not in the answer'}"
        for name in sorted(wanted)
        if name not in found or "vulns" not in found[name]
    ]
    return Audited(len(wanted), tuple(vulnerable), tuple(unseen))
