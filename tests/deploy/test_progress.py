"""How far an apply has come is told; eighty lines of outputs are not."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from deploy.progress import Progress
from tests.deploy.support import Machine

APPLIED = """\
aws_vpc.audit: Refreshing state... [id=vpc-1]
aws_kms_key.logs: Creating...
aws_s3_bucket.logs["a: b"]: Creating...
aws_kms_key.logs: Still creating... [10s elapsed]
data.aws_region.this: Reading...
data.aws_region.this: Read complete after 0s [id=eu-west-1]
aws_kms_key.logs: Creation complete after 12s [id=k-1]

Warning: something to know

Apply complete! Resources: 59 added, 0 changed, 0 destroyed.

Outputs:

region = "eu-west-1"
"""


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_what_terraform_says_is_in_a_file_and_its_sum_is_shown(signed_in: Machine) -> None:
    signed_in.environment["SHIM_APPLIED"] = APPLIED
    outcome = signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    assert outcome.code == 0, outcome.text
    assert outcome.stdout.splitlines() == [
        "Warning: something to know",
        "Apply complete! Resources: 59 added, 0 changed, 0 destroyed.",
    ]
    [log] = signed_in.work.glob("*/terraform.log")
    assert log.read_text() == f"{APPLIED}\n"
    assert f"apply: what Terraform says is written to {log} ..." in outcome.stderr


def test_every_five_seconds_it_is_told_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, clock = tmp_path / "log", Clock()
    with log.open("w") as writing, log.open() as reading:
        progress = Progress(reading, 3, clock)
        for seconds, text in (
            (1, "aws_a.x: Creating...\naws_b.y: Destroying... [id=1]\naws_a.x: Creation comp"),
            (4, ""),
            (5, "lete after 4s [id=2]\n"),
            (11, "aws_c.z: Modifying...\n"),
            (17, "aws_b.y: Destruction complete after 16s\naws_c.z: Modifications complete after"),
        ):
            writing.write(text)
            writing.flush()
            clock.seconds = 100.0 + seconds
            progress.look()
        writing.write(" 6s [id=3]\nApply complete!")
        writing.flush()
        progress.finish()
        clock.seconds = 130.0
        progress.look()
    shown = capsys.readouterr()
    assert shown.out == "Apply complete!\n"
    assert shown.err.splitlines() == [
        "  1 of 3 changes made; under way: aws_b.y (4 s)",
        "  1 of 3 changes made; under way: aws_b.y (10 s) and 1 more",
        "  2 of 3 changes made; under way: aws_c.z (6 s)",
        "  3 of 3 changes made",
    ]


def test_how_many_there_are_is_not_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress(io.StringIO("aws_a.x: Creating...\n"), None, clock)
    clock.seconds += 5
    progress.look()
    assert capsys.readouterr().err == "  0 changes made; under way: aws_a.x (0 s)\n"


def test_a_file_that_cannot_be_written_is_said_before_anything_is_changed(
    signed_in: Machine,
) -> None:
    signed_in.deploy("plan", *signed_in.package)
    [folder] = signed_in.work.glob("aws-*")
    (folder / "terraform.log").mkdir()
    outcome = signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    assert outcome.code == 2
    assert "terraform.log could not be written to (Is a directory)" in outcome.stderr
    assert "apply" not in signed_in.commands()
