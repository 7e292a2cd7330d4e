"""A provider that is attached to is started once, and ends with the test."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from deploy.attached import attached

_ATTACHABLE = """\
import os, sys, time
assert sys.argv[1:] == ["-debug"]
print("Provider started. To attach, set:")
how = '{"registry.example/acme/cloud":{"Protocol":"grpc","Pid":%d}}' % os.getpid()
print("\\tTF_REATTACH_PROVIDERS='" + how + "'", flush=True)
time.sleep(600)
"""
_ELSEWHERE = "registry.mirror/acme/cloud/1.2.3/linux_amd64/terraform-provider-cloud_v1.2.3"


def _installed(data: Path, source: str, where: str = _ELSEWHERE) -> Path:
    program = data / "providers" / where
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\n{source}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def _is_running(identifier: int) -> bool:
    try:
        os.kill(identifier, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_provider_is_attached_under_the_address_of_its_installation(tmp_path: Path) -> None:
    _installed(tmp_path, _ATTACHABLE)
    with attached(tmp_path, os.environ) as variables:
        [(name, value)] = variables.items()
        assert name == "TF_REATTACH_PROVIDERS"
        [(address, how)] = json.loads(value).items()
        assert address == "registry.mirror/acme/cloud"
        assert how["Protocol"] == "grpc"
        assert _is_running(how["Pid"])
    assert not _is_running(how["Pid"])


def test_it_ends_with_a_test_that_is_interrupted(tmp_path: Path) -> None:
    _installed(tmp_path, _ATTACHABLE)
    seen: list[int] = []

    def interrupted() -> None:
        with attached(tmp_path, os.environ) as variables:
            [how] = json.loads(next(iter(variables.values()))).values()
            seen.append(how["Pid"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not _is_running(seen[0])


@pytest.mark.parametrize("source", ["print('started')", "raise SystemExit(2)"])
def test_a_provider_that_cannot_be_attached_to_is_left_to_terraform(
    tmp_path: Path, source: str
) -> None:
    _installed(tmp_path, source)
    with attached(tmp_path, os.environ) as variables:
        assert variables == {}


def test_where_no_provider_or_several_are_installed_none_is_started(tmp_path: Path) -> None:
    with attached(tmp_path, os.environ) as variables:
        assert variables == {}
    _installed(tmp_path, _ATTACHABLE)
    _installed(tmp_path, _ATTACHABLE, _ELSEWHERE.replace("cloud", "other"))
    with attached(tmp_path, os.environ) as variables:
        assert variables == {}
