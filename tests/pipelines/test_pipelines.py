"""Every pipeline is what its CI takes, by its linter or its published schema."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.pipelines.support import (
    CODEBUILD,
    EXAMPLES,
    GITHUB,
    GITLAB,
    JENKINS,
    OWN,
    WORKFLOWS,
    load,
    run,
)
from tests.suite.support import MAKE, ROOT, environment
from verify.inputs import baseline
from verify.inputs.declared import Configuration

_PIN = re.compile(r"^[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_githubs(path: Path) -> None:
    by_schema = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
    assert by_schema.returncode == 0, by_schema.stdout + by_schema.stderr
    linted = run("zizmor", "--offline", "--no-progress", "--persona", "auditor", path)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "No findings to report" in linted.stdout


def test_gitlabs_is_gitlabs() -> None:
    done = run(
        *("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"),
        *("--data-transform", "gitlab-ci", GITLAB),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_buildspec_is_codebuilds() -> None:
    schema = json.loads(Path(__file__).with_name("buildspec.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(CODEBUILD.read_text()), schema)


def test_what_is_wrong_is_noticed(tmp_path: Path) -> None:
    """Each linter and schema sees a slip that is easily made."""
    unpinned = tmp_path / "workflow.yml"
    unpinned.write_text(re.sub(r"@[0-9a-f]{40}", "@main", GITHUB.read_text()))
    assert "unpinned-uses" in run("zizmor", "--offline", "--no-progress", unpinned).stdout
    slipped = tmp_path / "slipped.yml"
    slipped.write_text(GITHUB.read_text().replace("runs-on:", "run-on:"))
    checked = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", slipped)
    assert checked.returncode == 1, checked.stdout
    other = tmp_path / ".gitlab-ci.yml"
    other.write_text(GITLAB.read_text().replace("    when: always\n", "    when: mostly\n"))
    checked = run("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", other)
    assert checked.returncode == 1, checked.stdout
    schema = json.loads(Path(__file__).with_name("buildspec.schema.json").read_text())
    buildspec = CODEBUILD.read_text().replace("commands:", "command:")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(buildspec), schema)


_GROOVY = """
import sys
from groovy_parser.parser import parse_and_digest_groovy_content
tree = parse_and_digest_groovy_content(open(sys.argv[1], encoding="utf-8").read())
sys.exit(0 if tree.get("children") else 1)
"""


@pytest.mark.slow
def test_the_jenkinsfile_is_groovy() -> None:
    done = run("python", "-c", _GROOVY, JENKINS)
    assert done.returncode == 0, done.stderr[-3_000:]


# Which blocks may stand in which. Source: Jenkins user handbook, "Pipeline Syntax", Declarative
# Pipeline. In steps, and in what post has, stand steps; in the others what each takes.
_STAGE = {"agent", "environment", "input", "options", "post", "stages", "steps", "tools", "when"}
_BLOCKS: dict[str, set[str]] = {
    "": {"pipeline"},
    "pipeline": {"agent", "environment", "libraries", "options", "parameters", "post", "stages"}
    | {"tools", "triggers"},
    "stages": {"stage"},
    "stage": _STAGE | {"matrix", "parallel"},
    "matrix": _STAGE - {"steps"} | {"axes", "excludes"},
    "axes": {"axis"},
    "post": {"aborted", "always", "changed", "cleanup", "failure", "fixed", "regression"}
    | {"success", "unstable", "unsuccessful"},
    "when": {"allOf", "anyOf", "expression", "not"},
}


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each block of a Jenkinsfile with that in which it stands."""
    open_ones = [""]
    for line in text.splitlines():
        code = re.sub(r"'[^']*'|\"[^\"]*\"|//.*", "", line)
        for found in re.finditer(r"(\w+)\s*(?:\([^()]*(?:\([^()]*\))?[^()]*\))?\s*\{|\}", code):
            if found[0] == "}":
                open_ones.pop()
            else:
                yield open_ones[-1], found[1]
                open_ones.append(found[1])
    assert open_ones == [""], open_ones


def _misplaced(text: str) -> list[tuple[str, str]]:
    return [
        (outer, inner) for outer, inner in _blocks(text) if inner not in _BLOCKS.get(outer, {inner})
    ]


def test_the_jenkinsfile_is_declarative() -> None:
    text = JENKINS.read_text()
    assert _misplaced(text) == []
    assert ("stage", "steps") in set(_blocks(text))
    assert _misplaced(text.replace("steps {", "step {")) == [("stage", "step")] * 2
    assert ("pipeline", "stage") in _misplaced(text.replace("stages {", "stage {"))


# --- what linters do not see ----------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    for action in used:
        assert _PIN.match(action), action


def test_the_same_action_is_pinned_to_the_same_commit_everywhere() -> None:
    used = {action for path in WORKFLOWS for action in re.findall(r"uses: (.+)", path.read_text())}
    assert len(used) == len({action.partition("@")[0] for action in used})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_may_what_it_needs_and_no_more(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        signs_in = any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"])
        needed = {"contents": "read"} | ({"id-token": "write"} if signs_in else {})
        assert job["permissions"] == needed, name
        assert 0 < int(job["timeout-minutes"]) <= 60, name


def test_the_projects_own_workflow_runs_every_test_on_the_oldest_python_that_is_admitted() -> None:
    [job] = load(OWN)["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == "make test"
    admitted = re.search(r'requires-python = ">=(.*)"', (ROOT / "pyproject.toml").read_text())
    assert admitted is not None
    assert job["strategy"]["matrix"]["python"][0] == admitted[1]


def _scripts() -> Iterator[tuple[str, str]]:
    """Every line of shell that a pipeline runs, with the file's name."""

    def within(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                if key in ("run", "script", "before_script", "after_script", "commands"):
                    for text in [item] if isinstance(item, str) else item:
                        yield from text.splitlines()
                else:
                    yield from within(item)
        elif isinstance(value, list):
            for item in value:
                yield from within(item)

    for path in (*WORKFLOWS, GITLAB, CODEBUILD):
        for line in within(load(path)):
            yield path.name, line
    for line in re.findall(r"\bsh '([^']*)'", JENKINS.read_text()):
        yield JENKINS.name, line


MAKES = sorted({line for _, line in _scripts() if line.startswith("make ")})


def test_each_pipeline_deploys_or_verifies() -> None:
    verifying = {name for name, line in _scripts() if line.startswith("make verify")}
    assert verifying == {GITHUB.name, GITLAB.name, JENKINS.name, CODEBUILD.name}


@pytest.mark.parametrize("line", MAKES)
def test_make_understands_each_command(line: str) -> None:
    settings = [word for word in shlex.split(line)[1:] if word != "&&"]
    done = subprocess.run(
        [MAKE, "-n", *settings],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    makefile = (ROOT / "Makefile").read_text()
    for name in re.findall(r"\b([A-Z_]+)=", line):
        assert re.search(rf"^{name} \?=", makefile, re.MULTILINE), name


@pytest.mark.parametrize("name", ["clinic", "hospital"])
def test_the_accounts_trust_the_pipelines_that_the_baseline_demands(name: str) -> None:
    """What the example deploys is what its baseline asks for, account by account."""
    folder = EXAMPLES / "deployments"
    [account] = {
        entry["account"]
        for job in load(GITHUB)["jobs"].values()
        for entry in job.get("strategy", {}).get("matrix", {}).get("include", [])
        if entry["name"] == name
    }
    declared = Configuration(ROOT / "terraform", "dev", folder / f"{name}.tfvars")
    values = baseline.load(str(folder / "baseline.yaml")).values
    [demanded] = values["roles"]["oidc_trusts"]["{verifier_role_name}"]
    filled = demanded["provider"].replace("{partition}", "aws").replace("{account_id}", account)
    assert declared.argument("var.verifier_oidc_trusts") == [
        {"provider_arn": filled, "subjects": demanded["subjects"]}
    ]
    assert declared.argument("var.environment") == name
