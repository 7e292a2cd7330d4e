"""A sealed run in a bucket: put there, read from there, and what was done to it since is named."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import RunningSandbox, start
from tests.suite.support import REGION, VARIABLES, Verification, deploy, python_m_verify, verify
from verify.proof import bucket, chain
from verify.proof.bucket import Address, BucketError

CHECKS = ("verify/checks/test_encryption_key.py", "--formats=json")


@dataclass(frozen=True)
class Place:
    """A bucket of reports in the sandbox, and how it is reached."""

    name: str
    sandbox: RunningSandbox

    @property
    def s3(self) -> Any:
        return self.sandbox.client("s3", REGION)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m verify` with the sandbox for AWS."""
        return python_m_verify(*arguments, url=self.sandbox.url, AWS_DEFAULT_REGION=REGION)

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """One of its own: what is deployed here the others have not."""
    running = start("--region", REGION)
    yield running
    running.process.terminate()
    assert running.process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def deployed(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a deployment with a bucket for reports and a key that signs them."""
    asked = {"TF_VAR_reports_bucket_enabled": "true", "TF_VAR_report_signing_enabled": "true"}
    return deploy(sandbox, tmp_path_factory.mktemp("deployment"), **VARIABLES, **asked)


@pytest.fixture(scope="module")
def kept(deployed: Path, sandbox: RunningSandbox) -> Place:
    """The bucket that Terraform made."""
    [name] = json.loads(deployed.read_text())["reports_bucket_names"]["value"]
    return Place(name, sandbox)


@pytest.fixture(scope="module")
def reports(deployed: Path, kept: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs by the verifier role, each signed by KMS and put under `three`."""
    folder = tmp_path_factory.mktemp("three") / "reports"
    [key] = json.loads(deployed.read_text())["report_signing_key_arns"]["value"]
    asked = (f"--signing-key={key}", f"--reports-bucket=s3://{kept.name}/three")
    for _ in range(3):
        run = verify(deployed, folder, *CHECKS, *asked, url=kept.sandbox.url)
        assert "putting" in run.text
        assert run.code == 6, run.text  # the other controls were not tested
    return folder


@pytest.fixture
def copied(kept: Place, reports: Path, tmp_path: Path) -> Place:
    """The three runs in a bucket of the test's own, to do with as one likes."""
    place = Place(f"reports-{tmp_path.name.lower().replace('_', '-')[-40:]}", kept.sandbox)
    place.s3.create_bucket(
        Bucket=place.name, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    enabled = {"Status": "Enabled"}
    place.s3.put_bucket_versioning(Bucket=place.name, VersioningConfiguration=enabled)
    assert place.command("upload", str(reports), f"s3://{place.name}").returncode == 0
    return place


def _runs(reports: Path) -> list[str]:
    return [link.run_id for link in chain.read(reports)]


def _check(place: Place, below: str = "", *arguments: str) -> subprocess.CompletedProcess[str]:
    return place.command(
        "check-evidence", "--no-verdicts", f"s3://{place.name}/{below}", *arguments
    )


def test_each_file_is_there_once_and_locked_by_a_checksum(kept: Place, reports: Path) -> None:
    for run in _runs(reports):
        files = [path for path in (reports / run).rglob("*") if path.is_file()]
        named = {f"three/{run}/{path.relative_to(reports / run).as_posix()}" for path in files}
        assert set(kept.keys(f"three/{run}/")) == named
    lines = kept.keys("three/chain/")
    assert lines == [f"three/chain/{run}.json" for run in sorted(_runs(reports))]
    head = kept.s3.head_object(Bucket=kept.name, Key=lines[0], ChecksumMode="ENABLED")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["ChecksumSHA256"]


def test_all_of_it_is_verified_from_there(kept: Place, reports: Path, tmp_path: Path) -> None:
    [key] = {
        json.loads((reports / run / "manifest.json").read_text())["signed_by"]["key"]
        for run in _runs(reports)
    }
    public = tmp_path / "kms.pub"
    der = kept.sandbox.client("kms", REGION).get_public_key(KeyId=key)["PublicKey"]
    pem = subprocess.run(
        ["openssl", "pkey", "-pubin", "-inform", "DER"],  # noqa: S607
        input=der,
        capture_output=True,
        check=True,
    )
    public.write_bytes(pem.stdout)
    done = kept.command("check-evidence", f"--public-key={public}", f"s3://{kept.name}/three")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a chain of 3 runs" in done.stdout
    assert "none is missing" in done.stdout
    assert done.stdout.count("judged again") == 3
    assert done.stdout.count("the key that you gave") == 3
    assert f"s3://{kept.name}/three/{_runs(reports)[2]}:" in done.stdout


def test_one_run_is_verified_from_there(kept: Place, reports: Path) -> None:
    second = _runs(reports)[1]
    done = _check(kept, f"three/{second}/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"number 2, it follows {_runs(reports)[0]}, which is as it was" in done.stdout
    absent = _check(kept, "three/20200101T000000Z-00000000")
    assert absent.returncode == 2
    assert "holds no run 20200101T000000Z-00000000" in absent.stderr


def test_a_period_is_reported_from_there(kept: Place, reports: Path, tmp_path: Path) -> None:
    done = kept.command(
        "period",
        "--from=2026-01-01",
        "--no-verdicts",
        f"--output={tmp_path}",
        f"s3://{kept.name}/three",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "does not count" not in done.stdout
    [deployment] = json.loads((tmp_path / "period.json").read_text())["deployments"]
    assert len(deployment["runs"]) == 3


def _deleted(place: Place, run: str) -> str:
    key = f"{run}/report.json"
    place.s3.delete_object(Bucket=place.name, Key=key)
    return f"{key}: deleted on "


def _written_over(place: Place, run: str) -> str:
    key = f"{run}/report.json"
    place.s3.put_object(Bucket=place.name, Key=key, Body=b"{}")
    return f"{key}: written over on "


def _gone_for_good(place: Place, run: str) -> str:
    key = f"{run}/report.json"
    [version] = place.s3.list_object_versions(Bucket=place.name, Prefix=key)["Versions"]
    place.s3.delete_object(Bucket=place.name, Key=key, VersionId=version["VersionId"])
    return "report.json: missing"


def _put_in(place: Place, run: str) -> str:
    place.s3.put_object(Bucket=place.name, Key=f"{run}/evidence/beside.json", Body=b"{}")
    return "evidence/beside.json: not in the manifest"


@pytest.mark.parametrize("act", [_deleted, _written_over, _gone_for_good, _put_in])
@pytest.mark.parametrize("alone", [False, True])
def test_what_was_done_to_an_object_is_named(
    copied: Place, reports: Path, act: Callable[[Place, str], str], alone: bool
) -> None:
    run = _runs(reports)[1]
    said = act(copied, run)
    done = _check(copied, run if alone else "")
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout


def test_a_deleted_object_is_judged_by_its_first_version(copied: Place, reports: Path) -> None:
    run = _runs(reports)[1]
    _written_over(copied, run)
    _deleted(copied, run)
    done = _check(copied)
    assert done.returncode == 1
    assert "its first of 2 versions is what is looked at" in done.stdout
    assert "files, all as in the manifest" in done.stdout
    assert "files      NOT AS IT WAS" not in done.stdout


def _remove(place: Place, prefix: str) -> None:
    """For good, as whoever may bypass a lock can."""
    for one in place.s3.list_object_versions(Bucket=place.name, Prefix=prefix)["Versions"]:
        which = {"Key": one["Key"], "VersionId": one["VersionId"]}
        place.s3.delete_object(Bucket=place.name, **which)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_run_that_was_taken_out_is_found(copied: Place, reports: Path, number: int) -> None:
    run = _runs(reports)[number]
    _remove(copied, f"{run}/")
    done = _check(copied)
    assert done.returncode == 1
    assert f"{run} (number {number + 1} of the chain): missing" in done.stdout


def test_a_run_that_was_taken_out_with_its_line_is_found(copied: Place, reports: Path) -> None:
    run = _runs(reports)[1]
    _remove(copied, f"{run}/")
    _remove(copied, f"chain/{run}.json")
    done = _check(copied)
    assert done.returncode == 1
    assert f"it follows {run}, by its manifest, and none, by the chain" in done.stdout


def test_a_line_that_was_taken_out_is_found(copied: Place, reports: Path) -> None:
    run = _runs(reports)[2]
    _remove(copied, f"chain/{run}.json")
    done = _check(copied)
    assert done.returncode == 1
    assert f"{run}: sealed, and not in the chain" in done.stdout


def test_chains_of_several_machines_lie_side_by_side(
    deployed: Path, copied: Place, reports: Path, tmp_path: Path
) -> None:
    """Two runs that follow the same one, and one that begins a chain of its own."""
    parted, anew = tmp_path / "parted", tmp_path / "anew"
    shutil.copytree(reports, parted, symlinks=True)
    for folder in (parted, anew):
        run = verify(
            deployed,
            folder,
            *CHECKS,
            f"--reports-bucket=s3://{copied.name}",
            url=copied.sandbox.url,
            as_verifier=False,
        )
        assert run.code == 6, run.text
    also = verify(deployed, reports, *CHECKS, url=copied.sandbox.url)
    assert also.code == 6
    put = copied.command("upload", str(reports / "latest"), f"s3://{copied.name}")
    assert put.returncode == 0, put.stderr
    done = _check(copied)
    assert done.returncode == 0, done.stdout
    assert "a chain of 6 runs" in done.stdout


def test_an_upload_that_broke_off_is_gone_on_with(kept: Place, reports: Path) -> None:
    run = _runs(reports)[0]
    place, again = f"s3://{kept.name}/half", ("upload", "--as-verifier", str(reports / run))
    assert kept.command(*again, place).returncode == 0
    done = kept.command(*again, place)
    assert done.returncode == 0, done.stderr
    assert f"in {place}/: 1 run" in done.stdout
    versions = kept.s3.list_object_versions(Bucket=kept.name, Prefix="half/")["Versions"]
    assert all(one["IsLatest"] for one in versions)


def test_what_is_there_is_not_written_over(copied: Place, reports: Path) -> None:
    run = _runs(reports)[0]
    key = f"{run}/manifest.json"
    _remove(copied, key)
    copied.s3.put_object(Bucket=copied.name, Key=key, Body=b"{}")
    done = copied.command("upload", str(reports / run), f"s3://{copied.name}")
    assert done.returncode == 2
    assert f"s3://{copied.name}/{key} is there already, with another content" in done.stderr


def test_a_run_that_is_not_as_it_was_sealed_is_not_put_there(
    copied: Place, reports: Path, tmp_path: Path
) -> None:
    altered = Path(shutil.copytree(reports / _runs(reports)[0], tmp_path / "altered"))
    (altered / "report.json").write_text("{}")
    done = copied.command("upload", str(altered), f"s3://{copied.name}/other")
    assert done.returncode == 2
    assert "is not as it was sealed: report.json: changed" in done.stderr
    assert copied.keys("other/") == []
    assert copied.command("upload", str(tmp_path), f"s3://{copied.name}").returncode == 2


def _failed(run: Verification, why: str) -> Path:
    """The folder of a run that is sealed, and could not be put into its bucket for a reason."""
    assert run.code == 3, run.text
    assert why in run.text
    folder = (run.reports / "latest").resolve()
    assert f"the run is sealed in {folder}" in run.text
    assert python_m_verify("check-evidence", "--no-verdicts", str(folder)).returncode == 0
    return folder


def test_nobody_but_the_verifier_writes_there(deployed: Path, kept: Place, tmp_path: Path) -> None:
    place = f"s3://{kept.name}/by-hand"
    run = verify(
        deployed,
        tmp_path / "reports",
        *CHECKS,
        f"--reports-bucket={place}",
        url=kept.sandbox.url,
        as_verifier=False,
    )
    folder = _failed(run, "s3.put_object in ap-southeast-1 was denied (AccessDenied)")
    assert f"`python -m verify upload {folder} {place}` puts it there" in run.text
    assert kept.keys("by-hand/") == []


def test_the_verifier_takes_nothing_back(kept: Place, reports: Path) -> None:
    [line] = kept.keys(f"three/chain/{_runs(reports)[0]}.json")
    verifier = kept.sandbox.client("sts", REGION).assume_role(
        RoleArn="arn:aws:iam::123456789012:role/role-verifier-dev", RoleSessionName="auditor"
    )["Credentials"]
    s3 = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=kept.sandbox.url,
        aws_access_key_id=verifier["AccessKeyId"],
        aws_secret_access_key=verifier["SecretAccessKey"],
        aws_session_token=verifier["SessionToken"],
    )
    assert s3.get_object(Bucket=kept.name, Key=line)["Body"].read()
    suspended = {"Status": "Suspended"}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=kept.name, Key=line)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object_tagging(Bucket=kept.name, Key=line, Tagging={"TagSet": []})
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_bucket_versioning(Bucket=kept.name, VersioningConfiguration=suspended)


def test_a_bucket_that_is_not_there_is_told(deployed: Path, kept: Place, tmp_path: Path) -> None:
    asked = (*CHECKS, "--reports-bucket=s3://no-such-bucket")
    run = verify(deployed, tmp_path / "reports", *asked, url=kept.sandbox.url, as_verifier=False)
    folder = _failed(run, "NoSuchBucket")
    assert f"`python -m verify upload {folder} s3://no-such-bucket`" in run.text
    done = _check(Place("no-such-bucket", kept.sandbox))
    assert done.returncode == 2
    assert "NoSuchBucket" in done.stderr


def test_a_prefix_without_runs_is_told(kept: Place) -> None:
    done = _check(kept, "nothing")
    assert done.returncode == 2
    assert "holds no run" in done.stderr


def test_what_no_bucket_is_called_ends_the_run_before_it_begins(
    deployed: Path, tmp_path: Path
) -> None:
    run = verify(deployed, tmp_path / "reports", "--reports-bucket=reports")
    assert run.code == 4
    assert "write s3://<bucket> or s3://<bucket>/<prefix>" in run.text
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://bucket", Address("bucket", "")),
        ("s3://bucket/", Address("bucket", "")),
        ("s3://bucket/a/b", Address("bucket", "a/b/")),
        ("s3://bucket//a//b/", Address("bucket", "a/b/")),
    ],
)
def test_an_address_is_a_bucket_and_how_keys_begin(text: str, address: Address) -> None:
    assert bucket.parse(text) == address


@pytest.mark.parametrize(
    "text", ["bucket", "s3://", "s3://B/a", "s3://bucket/../a", "s3://bucket/a\n/b", "https://b/a"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BucketError, match="is no address of reports"):
        bucket.parse(text)


def test_what_is_of_no_run_is_not_fetched(copied: Place) -> None:
    copied.s3.put_object(Bucket=copied.name, Key="notes/../outside.json", Body=b"{}")
    done = _check(copied)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 objects are of no run, 'notes/../outside.json' among them" in done.stdout


@pytest.mark.parametrize("name", ["../../outside.json", "/outside.json", "a\\b.json"])
def test_what_could_be_no_file_of_a_run_is_named_and_not_fetched(
    copied: Place, reports: Path, name: str
) -> None:
    key = f"{_runs(reports)[0]}/{name}"
    copied.s3.put_object(Bucket=copied.name, Key=key, Body=b"{}")
    done = _check(copied)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{key!r}: not in the manifest, and no name of a file" in done.stdout
