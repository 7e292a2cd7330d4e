"""One process of the provider for all that a test of the module runs.

Terraform starts the provider anew for each of a module's provider blocks in each walk of each run,
and most of a native test's time is that start. A provider that was started before is attached to
instead. Source: developer.hashicorp.com, Plugin Development, "Debugging Providers". Only for mocked
providers: a single process could not be configured for several regions.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "TF_REATTACH_PROVIDERS"
_SAID = re.compile(rf"{VARIABLE}='(\{{.*\}})'")
_PATIENCE_SECONDS = 10.0


@contextmanager
def attached(data: Path, environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The variable that attaches to a provider installed in Terraform's `data` folder.

    Nothing where none is installed, or what is does not say how to attach to it: Terraform starts
    it itself then. The process ends with the `with` block.
    """
    found = sorted(data.glob("providers/*/*/*/*/*/terraform-provider-*"))
    if len(found) != 1:
        yield {}
        return
    [program] = found
    with subprocess.Popen(
        [program, "-debug"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # what interrupts Terraform must not reach it first
    ) as process:
        try:
            yield _variable(process, _address(data, program))
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(data: Path, program: Path) -> str:
    """The address under which the provider is installed: host/namespace/name."""
    return "/".join(program.relative_to(data / "providers").parts[:3])


def _variable(process: subprocess.Popen[str], address: str) -> Mapping[str, str]:
    for line in process.stdout or ():
        said = _SAID.search(line)
        if said:
            # It says the registry that it was built for, which need not be the one of this program.
            [how] = json.loads(said[1]).values()
            return {VARIABLE: json.dumps({address: how})}
    return {}
