"""Another module's outputs, by a map: what it leads to, what is refused, and what is absent."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.suite.support import verify
from verify import schemas
from verify.discover.paths import path_to
from verify.inputs import baseline, deployment, outputs_map
from verify.inputs.absence import PART_OF, PARTS, AbsentOutputError
from verify.inputs.deployment import Deployment, DeploymentError

OURS = {name: output["value"] for name, output in deployment.example().items()}
ALWAYS = {
    "account_id",
    "environment",
    "log_bucket_arn",
    "log_bucket_name",
    "partition",
    "profile",
    "region",
    "trail_arn",
    "trail_home_region",
    "trail_name",
}
# The smallest map that can be: nothing but a trail and its bucket.
SMALLEST: dict[str, Any] = {
    "outputs": {"trail_arn": "trail.arn", "log_bucket_name": "buckets[0].name"},
    "constants": {name: OURS[name] for name in sorted(ALWAYS - {"trail_arn", "log_bucket_name"})},
    "absent": dict.fromkeys(PARTS, "not ours"),
}
THEIRS = {
    "trail": {"arn": OURS["trail_arn"], "labels": {"a b": OURS["kms_key_arn"]}},
    "buckets": [{"name": OURS["log_bucket_name"]}],
}


def _outputs(values: dict[str, Any]) -> str:
    return json.dumps({name: {"value": value} for name, value in values.items()})


def _parsed(folder: Path, **changes: Any) -> Deployment:
    path = folder / "map.yaml"
    document = {key: {**SMALLEST[key], **changes.get(key, {})} for key in SMALLEST}
    for name in changes.get("without", ()):
        for part in document.values():
            part.pop(name, None)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return outputs_map.parse(_outputs(THEIRS), "theirs.json", str(path))


def _refused(folder: Path, **changes: Any) -> str:
    with pytest.raises(DeploymentError) as refused:
        _parsed(folder, **changes)
    return str(refused.value)


def test_every_output_is_of_one_part_or_needed_always() -> None:
    of_parts = [output for part in PARTS.values() for output in part.outputs]
    assert len(of_parts) == len(set(of_parts))
    assert set(of_parts) | ALWAYS == {output.name for output in fields(Deployment)}
    assert not set(of_parts) & ALWAYS


def test_a_baseline_may_name_exactly_the_parts_that_can_be_missed() -> None:
    def can_be_missed(output: str) -> bool:
        try:
            deployment.none_of(output)
        except KeyError:
            return True
        return False

    schema = json.loads((schemas.FOLDER / "baseline.schema.json").read_text())
    named = schema["properties"]["may_be_absent"]["propertyNames"]
    assert named["enum"] == sorted({part for name, part in PART_OF.items() if can_be_missed(name)})


def test_paths_lead_into_lists_and_objects(tmp_path: Path) -> None:
    found = _parsed(tmp_path)
    assert (found.trail_arn, found.log_bucket_name) == (OURS["trail_arn"], OURS["log_bucket_name"])
    assert found.region == "ap-southeast-1"
    assert (found.replica_regions, found.dashboard_name) == ((), None)
    named = _parsed(
        tmp_path,
        outputs={
            "kms_key_arn": 'trail.labels["a b"]',
            "access_log_bucket_names": ["buckets[0].name"],
            "alarm_names": {"one": "buckets[0].name"},
            "alarm_arns": {"one": "trail.arn"},
        },
        constants={"kms_key_alias": "alias/theirs"},
        without=("key", "access-logs", "alarms"),
    )
    assert named.kms_key_arn == OURS["kms_key_arn"]
    assert named.access_log_bucket_names == (OURS["log_bucket_name"],)
    assert named.alarm_names == {"one": OURS["log_bucket_name"]}


def test_what_is_absent_is_not_to_be_had(tmp_path: Path) -> None:
    found = _parsed(tmp_path)
    with pytest.raises(
        AbsentOutputError, match=r"without the compliance function, .*: not ours; th"
    ):
        _ = found.function_arn
    with pytest.raises(AbsentOutputError, match=r"as may_be_absent\.function"):
        found.if_there("function_arn")
    with pytest.raises(AbsentOutputError):
        found.identified("aws_lambda_function")
    admitted = found.under({"function": "alarms are enough"})
    assert admitted.if_there("function_arn") is None
    assert admitted.identified("aws_lambda_function") == ()
    with pytest.raises(AbsentOutputError, match="need not be there: alarms are enough"):
        _ = admitted.function_arn
    with pytest.raises(AbsentOutputError):
        admitted.subjects("aws_lambda_function")
    with pytest.raises(AttributeError):
        getattr(found, "no_such_output")  # noqa: B009 - a type checker would find it


def test_what_the_baseline_expects_of_an_absent_part_is_expected_where_it_is_not_let_be(
    tmp_path: Path,
) -> None:
    found, dev = _parsed(tmp_path), baseline.load("dev")

    def filled(deployed: Deployment) -> Any:
        absent = deployed.absent_placeholders()
        return baseline.filled(dev, deployed.placeholders(), deployed.lists(), absent)

    demanded = filled(found)
    with pytest.raises(AbsentOutputError, match=r"may_be_absent\.delivery-topic"):
        _ = demanded["alarms"]["delivery"]
    with pytest.raises(AbsentOutputError, match=r"may_be_absent\.(trail-log-group|function)"):
        list(demanded["roles"]["permissions"])
    let_be = filled(found.under(dict.fromkeys(PARTS, "let be")))
    assert let_be["alarms"]["delivery"] == []
    assert let_be["key"]["grants"] == []
    assert "role-log-replication-dev" in set(let_be["roles"]["permissions"])
    assert "{function_role_name}" not in set(let_be["roles"]["permissions"])
    with pytest.raises(AbsentOutputError):
        _ = let_be["alert_topic"]["key"]
    # What names nothing absent is as it was.
    ours = deployment.parse(json.dumps(deployment.example()))
    assert let_be["log_bucket"] == filled(ours)["log_bucket"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"outputs": {"trail_arm": "trail.arn"}},
            "map.yaml:4: outputs.trail_arm: trail_arm is no ",
        ),
        (
            {"constants": {"regoin": "eu-west-1"}},
            "regoin is no output of ours: did you mean region",
        ),
        ({"absent": {"functions": "none"}}, "did you mean function?"),
        (
            {"absent": {"log_bucket_name": "none"}},
            "nothing can be verified without log_bucket_name",
        ),
        ({"absent": {"kms_key_arn": ""}}, "absent.kms_key_arn: '' should be non-empty"),
        ({"outputs": {"kms_key_arn": "trail.arn"}}, "kms_key_arn is absent and mapped (.*:4)"),
        ({"constants": {"vpc_id": "vpc-1"}}, "vpc_id is absent and a constant (.*:13)"),
        ({"constants": {"trail_arn": "arn"}}, "trail_arn is mapped as well (.*:2): remove one"),
        (
            {"outputs": {"trail_arn": "trial.arn"}},
            "theirs.json has no output trial: did you mean t",
        ),
        ({"outputs": {"trail_arn": "trail.ARN"}}, "trail has no ARN: there is arn, labels"),
        ({"outputs": {"trail_arn": "trail[0]"}}, "trail is an object, and [0] asks for a list"),
        ({"outputs": {"trail_arn": "buckets.arn"}}, "buckets is a list, and .arn asks for an obje"),
        ({"outputs": {"trail_arn": "buckets[1]"}}, "buckets has 1 members, counted from 0"),
        ({"outputs": {"trail_arn": "trail/arn"}}, "'trail/arn' is no path from '/arn' on"),
        ({"outputs": {"trail_arn": "*"}}, "'*' is no path: begin with an output's name"),
        (
            {"outputs": {"trail_arn": "trail"}},
            "map.yaml:2: outputs.trail_arn: {.*} is not of type ",
        ),
        ({"outputs": {"trail_arn": 5}}, "map.yaml:2: outputs.trail_arn: 5 is not valid"),
        ({"constants": {"account_id": 12}}, "map.yaml:5: constants.account_id: 12 is not of type"),
        ({"constants": {"region": "Ireland"}}, "'Ireland' does not match"),
        (
            {"without": ("key",)},
            "kms_key_alias, kms_key_arn: neither mapped nor constant: .* key un",
        ),
        ({"without": ("region",)}, "region: neither mapped nor constant: say where under outputs"),
        ({"constants": {"account_id": "1" * 12}}, "but these outputs are of another:"),
    ],
)
def test_what_is_wrong_with_a_map_is_said_with_its_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    said = _refused(tmp_path, **changes)
    pattern = re.escape(message).replace(r"\.\*", ".*")
    assert re.search(pattern, said), said


def test_a_map_that_cannot_be_read_is_told_from_one_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    with pytest.raises(DeploymentError, match=r"the map of outputs .*map\.yaml cannot be read"):
        outputs_map.parse(_outputs(THEIRS), "theirs.json", str(path))
    path.write_text("outputs: {a: b\n")
    with pytest.raises(DeploymentError, match="cannot be read"):
        outputs_map.parse(_outputs(THEIRS), "theirs.json", str(path))
    path.write_text("constants:\n  region: a\n  region: b\n")
    with pytest.raises(DeploymentError, match=r"map\.yaml:3: region stands twice, first in line 2"):
        outputs_map.parse(_outputs(THEIRS), "theirs.json", str(path))
    path.write_text("- a list\n")
    with pytest.raises(DeploymentError, match="is not of type 'object'"):
        outputs_map.parse(_outputs(THEIRS), "theirs.json", str(path))
    path.write_text("constants: {}\n")
    with pytest.raises(DeploymentError, match="is a plan"):
        outputs_map.parse('{"planned_values": {}}', "theirs.json", str(path))


_KEYS = st.text(min_size=1).filter(lambda text: '"' not in text)
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
_VALUES = st.recursive(
    st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)


def _texts(value: Any) -> list[str]:
    """Every text that is not empty, however deep."""
    if isinstance(value, str):
        return [value] if value else []
    members = value.values() if isinstance(value, dict) else value
    return [text for member in members for text in _texts(member)]


@given(st.dictionaries(_NAMES, _VALUES, min_size=1, max_size=3).filter(_texts), st.data())
def test_the_path_to_whatever_is_among_their_outputs_leads_back_to_it(
    tmp_path_factory: pytest.TempPathFactory, theirs: dict[str, Any], data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(_texts(theirs)))
    path = path_to("environment", text, {name: {"value": one} for name, one in theirs.items()})
    constants = {name: OURS[name] for name in sorted(ALWAYS - {"environment"})}
    document = {**SMALLEST, "outputs": {"environment": path}, "constants": constants}
    file = tmp_path_factory.getbasetemp() / "back.yaml"
    file.write_text(yaml.safe_dump(document))
    assert outputs_map.parse(_outputs(theirs), "theirs", str(file)).environment == text


@given(st.text(max_size=30))
def test_no_text_as_a_path_is_more_than_refused(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    outputs = {**SMALLEST["outputs"], "trail_arn": path}
    file.write_text(json.dumps({**SMALLEST, "outputs": outputs}))
    with pytest.raises(DeploymentError):
        outputs_map.parse(_outputs(THEIRS), "theirs", str(file))


def test_a_baseline_that_names_no_part_or_no_organization_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("extends: dev\nmay_be_absent:\n  functions: none\n")
    with pytest.raises(baseline.BaselineError, match=r"own\.yaml:2: .*'functions' is not one of"):
        baseline.load(str(path))
    # Read once a process: another name.
    path = tmp_path / "organization.yaml"
    path.write_text("extends: dev\ntrail:\n  organization: true\n")
    with pytest.raises(
        baseline.BaselineError, match=r"trail\.organization_id: None is not of type"
    ):
        baseline.load(str(path))


def test_a_map_needs_the_outputs_that_it_is_of(tmp_path: Path) -> None:
    done = verify("", tmp_path, "--outputs-map=map.yaml", "--replay=reports/latest")
    assert done.code == 4
    assert "--outputs-map is for the outputs of another module" in done.text


def test_a_run_with_a_wrong_map_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "theirs.json").write_text(_outputs(THEIRS))
    (tmp_path / "map.yaml").write_text("outputs:\n  trail_arm: trail.arn\n")
    done = verify(tmp_path / "theirs.json", tmp_path, f"--outputs-map={tmp_path / 'map.yaml'}")
    assert done.code == 4
    assert (
        "map.yaml:2: outputs.trail_arm: trail_arm is no output of ours: did you mean" in done.text
    )
    assert not (tmp_path / "latest").exists()
