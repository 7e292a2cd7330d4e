"""A workflow of GitHub's carried out on this machine, step by step, with sandboxes for AWS.

What a step runs is run, in a fresh clone for each job. What an action does that is somebody else's
is done here in its place: signing in with the job's token is a real call to the account's STS.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import ClientError

from tests.pipelines.expressions import evaluate, filled
from tests.sandbox.support import RunningSandbox
from tests.suite.support import ROOT, environment

ISSUER = "token.actions.githubusercontent.com"
_GIT = shutil.which("git") or "git"
_BASH = shutil.which("bash") or "bash"


@dataclass(frozen=True)
class Hub:
    """What a run has of GitHub and of AWS.

    `repository` is cloned for each job; `accounts` are by number. `reaching` gives the variables
    by which a job of that name comes to a sandbox instead of AWS, from its address.
    """

    repository: Path
    slug: str
    event: str
    variables: Mapping[str, str]
    accounts: Mapping[str, RunningSandbox]
    reaching: Mapping[str, Callable[[str], dict[str, str]]]
    folder: Path

    @property
    def artifacts(self) -> Path:
        """Where artifacts are kept, by name."""
        return self.folder / "artifacts"


@dataclass
class Step:
    """A step that was looked at: `outcome` is success, failure or skipped."""

    name: str
    outcome: str
    text: str = ""


@dataclass
class Job:
    """A job that was carried out, or skipped; with a matrix, one of several."""

    name: str
    matrix: Mapping[str, str]
    result: str
    steps: list[Step] = field(default_factory=list)
    summary: str = ""
    annotations: list[str] = field(default_factory=list)

    def step(self, name: str) -> Step:
        """The step of that name."""
        [found] = [step for step in self.steps if step.name == name]
        return found

    @property
    def text(self) -> str:
        """All that its steps have printed, for a message of a test that fails."""
        return "\n".join(f"--- {step.name}: {step.outcome}\n{step.text}" for step in self.steps)


def carry_out(workflow: Mapping[str, Any], hub: Hub) -> dict[str, list[Job]]:
    """The jobs of a workflow, after those that they need; those of a matrix at once."""
    done: dict[str, list[Job]] = {}
    for name, job in workflow["jobs"].items():
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        assert set(needs) <= done.keys(), f"{name} stands before what it needs"
        results = {need: _together([one.result for one in done[need]]) for need in needs}
        entries = job.get("strategy", {}).get("matrix", {}).get("include", [{}])
        runners = [_Runner(name, job, entry, results, hub) for entry in entries]
        with ThreadPoolExecutor(len(runners)) as workers:
            done[name] = list(workers.map(_Runner.run, runners))
    return done


def _together(results: list[str]) -> str:
    for worst in ("failure", "success"):
        if worst in results:
            return worst
    return "skipped"


class _Runner:
    """The machine of one job."""

    def __init__(
        self,
        name: str,
        job: Mapping[str, Any],
        matrix: Mapping[str, str],
        results: Mapping[str, str],
        hub: Hub,
    ) -> None:
        self._job, self._hub, self._results = job, hub, results
        self._contexts = {
            "github.event_name": hub.event,
            "github.ref": "refs/heads/main",
            **{f"matrix.{key}": value for key, value in matrix.items()},
            **{f"vars.{key}": value for key, value in hub.variables.items()},
            **{f"needs.{need}.result": result for need, result in results.items()},
        }
        self._done = Job(name, matrix, "success")
        self._environment: dict[str, str] = {}
        self._home = hub.folder / "-".join(["job", hub.event, name, *matrix.values()])
        self._workspace = self._home / "work"

    def run(self) -> Job:
        """Carry it out, if its condition holds."""
        ok = all(result == "success" for result in self._results.values())
        if not self._holds(self._job.get("if"), ok=ok):
            self._done.result = "skipped"
            return self._done
        self._home.mkdir()
        for step in self._job["steps"]:
            self._take(step)
        summary = self._home / "summary.md"
        self._done.summary = summary.read_text() if summary.exists() else ""
        return self._done

    def _holds(self, condition: str | None, *, ok: bool) -> bool:
        text = (condition or "success()").removeprefix("${{").removesuffix("}}").strip()
        functions = {"always": True, "cancelled": False, "failure": not ok, "success": ok}
        if not any(f"{function}()" in text for function in functions):
            text = f"success() && ({text})"
        return bool(evaluate(text, self._contexts, functions))

    def _take(self, step: Mapping[str, Any]) -> None:
        name = step.get("name") or step["uses"].partition("@")[0]
        taken = Step(name, "skipped")
        self._done.steps.append(taken)
        if not self._holds(step.get("if"), ok=self._done.result == "success"):
            return
        try:
            taken.text = self._script(step) if "run" in step else self._action(step)
            taken.outcome = "success"
        except StepError as error:
            taken.text, taken.outcome = str(error), "failure"
            if step.get("continue-on-error") != "true":
                self._done.result = "failure"

    # --- what a step runs ---

    def _script(self, step: Mapping[str, Any]) -> str:
        given = {key: filled(value, self._contexts) for key, value in step.get("env", {}).items()}
        script = self._home / "step.sh"
        script.write_text(filled(step["run"], self._contexts))
        done = subprocess.run(
            [_BASH, "-e", str(script)],
            cwd=self._workspace,
            env={
                **environment(),
                "CI": "true",
                "GITHUB_STEP_SUMMARY": str(self._home / "summary.md"),
                **self._environment,
                **given,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        if done.returncode != 0:
            raise StepError(f"{done.stdout}\nended with {done.returncode}")
        return done.stdout

    # --- what an action does ---

    def _action(self, step: Mapping[str, Any]) -> str:
        action = step["uses"].partition("@")[0]
        stands_in, inputs = {
            "actions/checkout": (self._check_out, {"persist-credentials"}),
            "actions/setup-python": (_leave, {"python-version"}),
            "aws-actions/configure-aws-credentials": (
                self._sign_in,
                {"role-to-assume", "aws-region", "allowed-account-ids"},
            ),
            "actions/upload-artifact": (
                self._upload,
                {"name", "path", "if-no-files-found", "retention-days"},
            ),
            "actions/download-artifact": (self._download, {"name", "pattern", "path"}),
            "mikepenz/action-junit-report": (
                self._annotate,
                {"report_paths", "annotate_only", "check_name"},
            ),
        }[action]
        given = {key: filled(value, self._contexts) for key, value in step.get("with", {}).items()}
        assert given.keys() <= inputs, (action, given)
        return stands_in(given)

    def _check_out(self, _: Mapping[str, str]) -> str:
        subprocess.run(
            [_GIT, "clone", "-q", str(self._hub.repository), str(self._workspace)], check=True
        )
        # What is installed already is not installed once more: make goes by the files' times.
        (self._workspace / ".venv").symlink_to(ROOT / ".venv")
        for lock in (self._workspace / "requirements").iterdir():
            os.utime(lock, (0, 0))
        return ""

    def _sign_in(self, given: Mapping[str, str]) -> str:
        if self._job["permissions"].get("id-token") != "write":
            raise StepError("GitHub gives no token to a job without id-token: write")
        role, region = given["role-to-assume"], given["aws-region"]
        account = role.split(":")[4]
        assert given["allowed-account-ids"] == account
        sandbox = self._hub.accounts[account]
        sts = sandbox.client("sts", region)
        try:
            answer = sts.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName="GitHubActions", WebIdentityToken=self._token()
            )
        except ClientError as error:
            raise StepError(f"Could not assume role with OIDC: {error}") from None
        keys = answer["Credentials"]
        self._environment |= {
            "AWS_REGION": region,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            **self._hub.reaching[self._done.name](sandbox.url),
        }
        return str(answer["AssumedRoleUser"]["Arn"])

    def _token(self) -> str:
        """What GitHub says of the job.

        Source: GitHub's documentation, "OpenID Connect reference" (subject claims).
        """
        place = "ref:refs/heads/main"
        if "environment" in self._job:
            place = f"environment:{filled(self._job['environment'], self._contexts)}"
        claims = {
            "iss": f"https://{ISSUER}",
            "aud": "sts.amazonaws.com",
            "sub": f"repo:{self._hub.slug}:{place}",
            "repository": self._hub.slug,
            "exp": int(time.time()) + 300,
        }
        parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
        return ".".join(
            [*(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts), ""]
        )

    def _upload(self, given: Mapping[str, str]) -> str:
        source = self._workspace / given["path"]
        if not source.exists():
            if given["if-no-files-found"] == "error":
                raise StepError(f"No files were found with the provided path: {given['path']}")
            return "nothing to keep"
        kept = self._hub.artifacts / given["name"]
        if source.is_dir():
            # Hidden files are none of an artifact.
            shutil.copytree(source, kept, ignore=shutil.ignore_patterns(".*"))
        else:
            kept.mkdir(parents=True)
            shutil.copy2(source, kept)
        return str(kept)

    def _download(self, given: Mapping[str, str]) -> str:
        target = self._workspace / given["path"]
        if "name" in given:
            kept = self._hub.artifacts / given["name"]
            if not kept.is_dir():
                raise StepError(f"Artifact not found for name: {given['name']}")
            shutil.copytree(kept, target, dirs_exist_ok=True)
            return given["name"]
        for kept in sorted(self._hub.artifacts.glob(given["pattern"])):
            shutil.copytree(kept, target / kept.name)
        return given["pattern"]

    def _annotate(self, given: Mapping[str, str]) -> str:
        assert given["annotate_only"] == "true"
        for path in self._workspace.glob(given["report_paths"]):
            for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 - it is our own
                wrong = [kind for kind in ("failure", "error") if case.find(kind) is not None]
                self._done.annotations += [f"{kind}: {case.get('name')}" for kind in wrong]
        return "\n".join(self._done.annotations)


def _leave(_: Mapping[str, str]) -> str:
    """It is here already."""
    return ""


class StepError(Exception):
    """A step that failed; the message is what it printed."""
