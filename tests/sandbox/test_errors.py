"""No answer of the sandbox is a page: what it lacks, and where it fails, is an error of AWS.

Each is read by botocore as a client would; a parser's error is not a ClientError and fails here.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import Shape

from tests.sandbox.support import REGION, ROOT, RunningSandbox, started

pytestmark = pytest.mark.slow

# One service, and one of its operations without required parameters, a protocol of botocore's.
PROTOCOLS = {
    "query": ("iam", "list_users"),
    "ec2": ("ec2", "describe_vpcs"),
    "rest-xml": ("s3", "list_buckets"),
    "rest-xml with an outer element": ("route53", "list_hosted_zones"),
    "json 1.0": ("dynamodb", "list_tables"),
    "json 1.1": ("kms", "list_keys"),
    "json that once was query": ("sqs", "list_queues"),
    "rest-json": ("lambda", "list_functions"),
}
# How the code of a module of moto is made to raise: its response class, by service.
_RESPONSES = {
    "iam": ("moto.iam.responses", "IamResponse"),
    "ec2": ("moto.ec2.responses", "EC2Response"),
    "s3": ("moto.s3.responses", "S3Response"),
    "route53": ("moto.route53.responses", "Route53"),
    "dynamodb": ("moto.dynamodb.responses", "DynamoHandler"),
    "kms": ("moto.kms.responses", "KmsResponse"),
    "sqs": ("moto.sqs.responses", "SQSResponse"),
    "lambda": ("moto.awslambda.responses", "LambdaResponse"),
}
# Where moto's method has another name.
_METHODS = {"list_buckets": "all_buckets"}
# Operations that botocore knows and moto does not.
LACKING: dict[str, tuple[str, dict[str, Any]]] = {
    "iam": ("simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["a:b"]}),
    "ec2": ("describe_network_insights_paths", {}),
    "s3": ("get_bucket_metadata_table_configuration", {"Bucket": "one"}),
    "route53": ("list_cidr_collections", {}),
    "dynamodb": ("list_contributor_insights", {}),
    "kms": ("describe_custom_key_stores", {}),
    "sqs": ("list_message_move_tasks", {"SourceArn": "arn:aws:sqs:eu-west-1:123456789012:q"}),
    "lambda": ("list_capacity_providers", {}),
}


@pytest.fixture(scope="module")
def faulty() -> Iterator[RunningSandbox]:
    """A sandbox in which the operations of PROTOCOLS raise."""
    lines = ["import importlib, runpy, sys", "def fail(*_, **__): raise KeyError('<oops>')"]
    for service, operation in PROTOCOLS.values():
        module, owner = _RESPONSES[service]
        method = _METHODS.get(operation, operation)
        lines.append(f"setattr(importlib.import_module({module!r}).{owner}, {method!r}, fail)")
    lines.append("runpy.run_module('sandbox', run_name='__main__')")
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines), "--port", "0", "--region", REGION],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line.startswith("sandbox ready: "), line
    yield RunningSandbox(process, line)
    process.terminate()
    process.wait(timeout=20)


def _refused(call: Callable[[], Any]) -> dict[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: dict[str, str] = caught.value.response["Error"]
    return error


@pytest.mark.parametrize(("service", "operation"), PROTOCOLS.values(), ids=PROTOCOLS)
def test_what_raises_is_an_internal_failure_that_names_the_operation(
    faulty: RunningSandbox, service: str, operation: str
) -> None:
    client = faulty.client(service)
    name = client.meta.method_to_api_mapping[operation]
    error = _refused(getattr(client, operation))
    assert (error["Code"], error["Message"]) == (
        "InternalFailure",
        f"The sandbox failed in {service}:{name}: KeyError: '<oops>'",
    )
    # It goes on, and other clients are served.
    assert faulty.client("sts").get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize("service", LACKING)
def test_what_moto_does_not_have_is_not_implemented(sandbox: RunningSandbox, service: str) -> None:
    operation, parameters = LACKING[service]
    client = sandbox.client(service)
    name = client.meta.method_to_api_mapping[operation]
    error = _refused(lambda: getattr(client, operation)(**parameters))
    assert error["Code"] == "NotImplemented"
    assert error["Message"].startswith(f"The sandbox lacks {service}:{name}")


def _misname(params: dict[str, Any], **_: Any) -> None:
    """Turn a request into one for an operation that no service has."""
    if "X-Amz-Target" in params["headers"]:
        prefix = params["headers"]["X-Amz-Target"].rpartition(".")[0]
        params["headers"]["X-Amz-Target"] = f"{prefix}.NoSuchOperation"
    elif isinstance(params["body"], dict) and "Action" in params["body"]:
        params["body"]["Action"] = "NoSuchOperation"
    else:
        params["method"] = "PATCH"
        params["url_path"] = "/no/such/operation"
        params["url"] = params["url"].rstrip("/") + "/no/such/operation"


@pytest.mark.parametrize(("service", "operation"), PROTOCOLS.values(), ids=PROTOCOLS)
def test_an_operation_that_nobody_knows_is_not_implemented(
    sandbox: RunningSandbox, service: str, operation: str
) -> None:
    client = sandbox.client(service)
    client.meta.events.register("before-call", _misname)
    error = _refused(getattr(client, operation))
    assert error["Code"] == "NotImplemented"
    assert error["Message"].startswith("The sandbox lacks ")
    assert "PATCH" in error["Message"] or "NoSuchOperation" in error["Message"]


def _of_protocol(protocol: str) -> list[str]:
    """The services that speak nothing else."""
    loader = botocore.session.get_session().get_component("data_loader")
    found = []
    for name in ("application-insights", "compute-optimizer-automation", "cloudwatchomni"):
        metadata = loader.load_service_model(name, "service-2")["metadata"]
        if metadata["protocols"] == [protocol]:
            found.append(name)
    return found


def test_a_service_that_moto_does_not_have_is_not_implemented_in_cbor(
    sandbox: RunningSandbox,
) -> None:
    services = _of_protocol("smithy-rpc-v2-cbor")
    assert services
    for service in services:
        client = sandbox.client(service)
        error = _call_least(client, client.meta.service_model.operation_names[0])
        assert error is not None
        assert error["Code"] == "NotImplemented", error


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("arc-region-switch", "list_plans"),
        ("artifact", "get_account_settings"),
    ],
)
def test_a_service_that_moto_does_not_have_is_not_implemented(
    sandbox: RunningSandbox, service: str, operation: str
) -> None:
    error = _refused(getattr(sandbox.client(service), operation))
    assert error["Code"] == "NotImplemented", error


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda s3: s3.put_object(Bucket="one", Key="a", Body=b""), id="rest-xml"),
        pytest.param(lambda s3: s3.create_bucket(Bucket="one"), id="rest-xml without a key"),
    ],
)
def test_an_unsigned_request_is_refused_in_its_protocol(
    sandbox: RunningSandbox, call: Callable[[Any], Any]
) -> None:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=sandbox.url,
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    assert _refused(lambda: call(client))["Code"] == "AccessDenied"


@pytest.mark.parametrize(
    "sent",
    [
        b"no request at all\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /moto-api/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /a/page.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"DELETE /a/page.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_no_call_of_aws_is_no_page_either(sandbox: RunningSandbox, sent: bytes) -> None:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer
    assert b"<html" not in answer.lower()
    assert b"doctype" not in answer.lower()


# --- every operation -----------------------------------------------------------------------------

# What the deployment, the verifier and the function call.
SERVICES = (
    *("cloudtrail", "cloudwatch", "ec2", "events", "guardduty", "iam", "kms", "lambda", "logs"),
    *("organizations", "resourcegroupstaggingapi", "s3", "s3control", "securityhub", "sns", "sqs"),
    *("config", "dynamodb", "sts"),
)


def _least(shape: Shape, depth: int = 0) -> Any:
    """A value of a shape with no more in it than it must have."""
    if shape.type_name == "structure":
        return {name: _least(shape.members[name], depth + 1) for name in shape.required_members}
    if shape.type_name == "list":
        return [_least(shape.member, depth + 1)] if depth < 6 else []
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        words = shape.enum or ["x" * max(shape.metadata.get("min", 1), 1)]
        return words[0]
    least = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "blob": b"{}"}
    return least.get(shape.type_name, 1_700_000_000)


def _call_least(client: Any, operation: str) -> dict[str, str] | None:
    """The error of an operation with the least parameters; None where there is none."""
    model = client.meta.service_model.operation_model(operation)
    parameters = {} if model.input_shape is None else _least(model.input_shape)
    if client.meta.service_model.service_name == "s3control":
        parameters["AccountId"] = "123456789012"
    try:
        client._make_api_call(operation, parameters)
    except ClientError as error:
        found: dict[str, str] = error.response["Error"]
        return found
    except ParamValidationError:
        return None
    return None


@pytest.fixture(scope="module")
def throwaway() -> Iterator[RunningSandbox]:
    """A sandbox of which everything may be changed."""
    with started("--region", REGION) as running:
        yield running


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_answered_in_its_protocol(
    throwaway: RunningSandbox, service: str
) -> None:
    client = throwaway.client(service)
    client.meta.events.register("before-call", _without_prefix)
    unread = {}
    for operation in client.meta.service_model.operation_names:
        if client.meta.service_model.operation_model(operation).has_event_stream_output:
            continue
        try:
            error = _call_least(client, operation)
        except Exception as fault:  # noqa: BLE001 - all of them are told at once
            unread[operation] = f"{type(fault).__name__}: {fault}"[:200]
            continue
        if error is not None and not error["Code"]:
            unread[operation] = str(error)
    assert unread == {}


def _without_prefix(params: dict[str, Any], **_: Any) -> None:
    """Some hosts begin with an account or a route, which 127.0.0.1 cannot."""
    params["url"] = re.sub("//[^/]+127[.]0[.]0[.]1", "//127.0.0.1", params["url"])
