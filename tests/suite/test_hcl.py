"""What python-hcl2 read is kept by the text's hash, and never takes another text's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.inputs import hcl
from verify.kept import Kept

_TEXT = 'resource "aws_vpc" "audit" {\n  cidr_block = "10.0.0.0/16"\n}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hcl, "KEPT", Kept(tmp_path / "kept", "hcl", "python-hcl2"))
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return tmp_path / "kept"


def test_a_text_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hcl.parsed(_TEXT)
    monkeypatch.setattr(hcl, "_read", lambda _: pytest.fail("it was read again"))
    assert hcl.parsed(_TEXT) == first
    assert len(list(folder.iterdir())) == 1


def test_another_text_is_another_document() -> None:
    first = hcl.parsed(_TEXT)
    assert hcl.parsed(_TEXT.replace("10.0", "10.1")) != first


@pytest.mark.parametrize("broken", ["", "{", "[1]", "\x00"])
def test_what_is_kept_broken_is_read_anew(folder: Path, broken: str) -> None:
    first = hcl.parsed(_TEXT)
    [kept] = folder.iterdir()
    kept.write_text(broken)
    assert hcl.parsed(_TEXT) == first


def test_nothing_is_kept_of_what_is_no_hcl(folder: Path) -> None:
    with pytest.raises(hcl.HclError):
        hcl.parsed('resource "aws_vpc" {{{')
    assert not folder.exists()


def test_nothing_is_written_where_python_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    hcl.parsed(_TEXT)
    assert not folder.exists()


def test_what_cannot_be_kept_is_read_all_the_same(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file in the way")
    assert hcl.parsed(_TEXT)


def test_what_is_kept_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.kept._MAXIMUM_KEPT", 3)
    for number in range(5):
        hcl.parsed(f"a = {number}\n")
    assert len(list(folder.iterdir())) <= 3
