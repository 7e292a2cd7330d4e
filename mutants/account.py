"""The deployment under test, as an administrator with all permissions changes it by hand."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from verify.account.endpoints import reach_by_address

Document = dict[str, Any]
STRANGER = "999999999999"  # an account that is not ours

# What UpdateFunctionConfiguration is told to take away what a function had not.
_TAKING_AWAY: Mapping[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "FileSystemConfigs": [],
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}


class Account:
    """Clients, the outputs, and the documents as they were deployed.

    `outputs_file`, `terraform_folder` and `as_verifier` (whether the suite assumes the verifier's
    role) are what the suite is given; a fault may replace them, the files by altered copies in
    `folder`. The outputs stay as they were deployed in `deployed_outputs_file`, beside Terraform's
    state.
    """

    def __init__(
        self, url: str, outputs_file: Path, function_package: Path, terraform: Path, folder: Path
    ) -> None:
        self.url = url
        self.outputs_file = outputs_file
        self.deployed_outputs_file = outputs_file
        self.function_package = function_package
        self.terraform_folder = terraform
        self.folder = folder
        self.as_verifier = True
        self.outputs: Mapping[str, Any] = {
            name: output["value"]
            for name, output in json.loads(outputs_file.read_text(encoding="utf-8")).items()
        }
        self._clients: dict[tuple[str, str], Any] = {}
        self._documents: dict[str, Document] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, in the deployment's region by default, made once."""
        region = region or self.outputs["region"]
        if (service, region) not in self._clients:
            self._clients[service, region] = self._made(
                service,
                region,
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106 - the sandbox knows no credentials
            )
        return self._clients[service, region]

    def as_role(self, service: str, role: str) -> Any:
        """A client of a service in the deployment's region that acts as a role, for an hour."""
        session = self.client("sts").assume_role(RoleArn=role, RoleSessionName="mutants")
        credentials = session["Credentials"]
        return self._made(
            service,
            self.outputs["region"],
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def _made(self, service: str, region: str, **credentials: str) -> Any:
        made = boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5),
            **credentials,
        )
        reach_by_address(made)
        return made

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def s3(self) -> Any:
        return self.client("s3")

    @property
    def s3control(self) -> Any:
        return self.client("s3control")

    @property
    def kms(self) -> Any:
        return self.client("kms")

    def kms_of(self, arn: str) -> Any:
        """The client of the key's region."""
        return self.client("kms", arn.split(":")[3])

    @property
    def logs(self) -> Any:
        return self.client("logs")

    @property
    def cloudtrail(self) -> Any:
        return self.client("cloudtrail")

    @property
    def functions(self) -> Any:
        return self.client("lambda")

    @property
    def sns(self) -> Any:
        return self.client("sns")

    @property
    def sqs(self) -> Any:
        return self.client("sqs")

    @property
    def iam(self) -> Any:
        return self.client("iam")

    @property
    def cloudwatch(self) -> Any:
        return self.client("cloudwatch")

    # --- policy documents: as deployed, and replaced for a while ---------------------------------

    def document(self, kind: str) -> Document:
        """A copy of a policy as it was when first asked for: before any fault changed it.

        `kind` is bucket, bucket:<output> or key:<output> for the first that an output names, key,
        topic:<output>, queue:<output>, or role:<name> for a trust policy.
        """
        if kind not in self._documents:
            self._documents[kind] = json.loads(self._read(kind))
        return copy.deepcopy(self._documents[kind])

    def replace(self, mending: ExitStack, kind: str, document: Document) -> None:
        """Put `document` in place of the policy `kind` until mended."""
        original = self.document(kind)
        mending.callback(self._write, kind, original)
        self._write(kind, document)

    def _read(self, kind: str) -> str:
        values = self.outputs
        if kind == "bucket":
            return str(self.s3.get_bucket_policy(Bucket=values["log_bucket_name"])["Policy"])
        if kind == "key":
            answer = self.kms.get_key_policy(KeyId=values["kms_key_arn"], PolicyName="default")
            return str(answer["Policy"])
        what, _, output = kind.partition(":")
        if what == "bucket":
            return str(self.s3.get_bucket_policy(Bucket=values[output][0])["Policy"])
        if what == "key":
            arn = values[output][0]
            answer = self.kms_of(arn).get_key_policy(KeyId=arn, PolicyName="default")
            return str(answer["Policy"])
        if what == "topic":
            answer = self.sns.get_topic_attributes(TopicArn=values[output])
            return str(answer["Attributes"]["Policy"])
        if what == "queue":
            answer = self.sqs.get_queue_attributes(
                QueueUrl=values[output], AttributeNames=["Policy"]
            )
            return str(answer["Attributes"]["Policy"])
        role = self.iam.get_role(RoleName=kind.removeprefix("role:"))["Role"]
        return json.dumps(role["AssumeRolePolicyDocument"])

    def _write(self, kind: str, document: Document) -> None:
        text, values = json.dumps(document), self.outputs
        what, _, output = kind.partition(":")
        if kind == "bucket":
            self.s3.put_bucket_policy(Bucket=values["log_bucket_name"], Policy=text)
        elif kind == "key":
            self.kms.put_key_policy(KeyId=values["kms_key_arn"], PolicyName="default", Policy=text)
        elif what == "bucket":
            self.s3.put_bucket_policy(Bucket=values[output][0], Policy=text)
        elif what == "key":
            arn = values[output][0]
            self.kms_of(arn).put_key_policy(KeyId=arn, PolicyName="default", Policy=text)
        elif what == "topic":
            self.sns.set_topic_attributes(
                TopicArn=values[output], AttributeName="Policy", AttributeValue=text
            )
        elif what == "queue":
            self.sqs.set_queue_attributes(QueueUrl=values[output], Attributes={"Policy": text})
        else:
            self.iam.update_assume_role_policy(
                RoleName=kind.removeprefix("role:"), PolicyDocument=text
            )

    def role_policy(
        self, mending: ExitStack, role: str, *statements: Mapping[str, Any], name: str = "by-hand"
    ) -> None:
        """Give a role an inline policy until mended."""
        which = {"RoleName": role, "PolicyName": name}
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.iam.put_role_policy(**which, PolicyDocument=document)
        mending.callback(self.iam.delete_role_policy, **which)

    def own_policy(self, role: str) -> str:
        """The ARN of a role's one managed policy beside that which protects the trail from all."""
        found = self.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        protecting = self.outputs["trail_protection_policy_arns"]
        [arn] = [one["PolicyArn"] for one in found if one["PolicyArn"] not in protecting]
        return str(arn)

    # --- resources that are read, changed and put back -------------------------------------------

    @cached_property
    def subscription_filter(self) -> Document:
        """The subscription filter of the trail's log group, as PutSubscriptionFilter takes it."""
        [found] = self.logs.describe_subscription_filters(
            logGroupName=self.outputs["trail_log_group_name"]
        )["subscriptionFilters"]
        return self.accepted(self.logs, "PutSubscriptionFilter", found)

    def alarm(self, purpose: str) -> Document:
        """An alarm of the stack, as PutMetricAlarm takes it."""
        [found] = self.cloudwatch.describe_alarms(
            AlarmNames=[self.outputs["alarm_names"][purpose]]
        )["MetricAlarms"]
        return self.accepted(self.cloudwatch, "PutMetricAlarm", found)

    @staticmethod
    def accepted(client: Any, operation: str, described: Mapping[str, Any]) -> Document:
        """What was described of a thing, as the operation that makes such a thing takes it."""
        members = client.meta.service_model.operation_model(operation).input_shape.members
        return {name: value for name, value in described.items() if name in members}

    def change_alarm(self, mending: ExitStack, purpose: str, **changes: Any) -> None:
        """Put an alarm with `changes` in place of the stack's until mended."""
        original = self.alarm(purpose)
        mending.callback(self.cloudwatch.put_metric_alarm, **original)
        self.cloudwatch.put_metric_alarm(**{**original, **changes})

    def wait_for_function(self) -> None:
        """Wait until the function's last update has ended, as Lambda asks of its callers."""
        waiter = self.functions.get_waiter("function_updated_v2")
        waiter.wait(
            FunctionName=self.outputs["function_arn"],
            WaiterConfig={"Delay": 0.1, "MaxAttempts": 100},
        )

    def change_function(self, mending: ExitStack, **changes: Any) -> None:
        """Configure the function differently until mended."""
        name = self.outputs["function_arn"]
        now = self.functions.get_function_configuration(FunctionName=name)

        def configure(settings: Mapping[str, Any]) -> None:
            self.functions.update_function_configuration(FunctionName=name, **settings)
            self.wait_for_function()

        before: Document = {key: now.get(key, _TAKING_AWAY.get(key)) for key in changes}
        if "Layers" in changes:
            before["Layers"] = [layer["Arn"] for layer in now.get("Layers", [])]
        mending.callback(configure, before)
        configure(changes)

    def control(self, action: str, **request: Any) -> None:
        """Ask the sandbox itself for what AWS does in time, and no call does (sandbox.control)."""
        answer = requests.post(f"{self.url}/_sandbox/{action}", json=request, timeout=10)
        answer.raise_for_status()

    # --- what the suite is given -----------------------------------------------------------------

    def change_outputs(self, mending: ExitStack, **changes: Any) -> None:
        """Give the suite outputs with these values until mended."""
        original = self.outputs_file
        document = json.loads(original.read_text(encoding="utf-8"))
        for name, value in changes.items():
            document[name]["value"] = value
        altered = self.folder / f"outputs-{time.monotonic_ns()}.json"
        altered.write_text(json.dumps(document), encoding="utf-8")
        mending.callback(setattr, self, "outputs_file", original)
        self.outputs_file = altered

    def verify_as_administrator(self, mending: ExitStack) -> None:
        """Let the suite act as whoever deployed until mended: the verifier's role sees nothing."""
        mending.callback(setattr, self, "as_verifier", self.as_verifier)
        self.as_verifier = False

    def change_configuration(
        self, mending: ExitStack, file: str, edit: Callable[[str], str]
    ) -> None:
        """Give the suite a Terraform configuration with one file edited, until mended.

        Raises ValueError when the edit changes nothing: the fault would be none.
        """
        original = self.terraform_folder
        altered = self.folder / f"terraform-{time.monotonic_ns()}"
        shutil.copytree(original, altered, ignore=shutil.ignore_patterns(".terraform*", "tests"))
        before = (altered / file).read_text(encoding="utf-8")
        after = edit(before)
        if after == before:
            raise ValueError(f"{file} holds nothing that the edit would change")
        (altered / file).write_text(after, encoding="utf-8")
        mending.callback(setattr, self, "terraform_folder", original)
        self.terraform_folder = altered


def statement(document: Document, sid: str) -> Document:
    """The statement of that Sid, to be edited in place.

    Raises KeyError when there is none.
    """
    for found in document["Statement"]:
        if found.get("Sid") == sid:
            edited: Document = found
            return edited
    raise KeyError(f"the policy has no statement {sid}")


def without(document: Document, *sids: str) -> Document:
    """`document` without these statements, each of which must be there."""
    for sid in sids:
        document["Statement"].remove(statement(document, sid))
    return document
