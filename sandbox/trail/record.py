"""From an API call to its CloudTrail record."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.parsers import ResponseParserError, create_parser
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.utils import get_service_model
from moto.utilities.utils import get_partition

from sandbox import regions
from sandbox.access.caller import Caller
from sandbox.clock import iso_seconds
from sandbox.trail import record_names, record_shapes

EVENT_VERSION = "1.11"
_READ_ONLY = re.compile(
    r"^(Describe|Get|List|Head|Lookup|Search|Select|BatchGet|Check|Test|Simulate|Validate|Estimate"
    r"|Preview)"
)
_READ_ONLY_ANYWAY = {
    ("kms", "Decrypt"),
    ("kms", "Encrypt"),
    ("kms", "GenerateDataKey"),
    ("kms", "GenerateDataKeyWithoutPlaintext"),
    ("kms", "ReEncrypt"),
    ("sts", "AssumeRole"),
    ("iam", "GenerateCredentialReport"),
    ("iam", "GenerateServiceLastAccessedDetails"),
}
# Calls that only read, and whose records show the answer all the same.
_ANSWER_SHOWN = {("sts", "AssumeRole")}
# Refused calls of these services keep their parameters.
_PARAMETERS_KEPT_WHEN_REFUSED = frozenset({"ec2", "s3", "s3control", "guardduty"})
_REFUSALS = re.compile(r"AccessDenied|UnauthorizedOperation|AuthorizationError|NotAuthorized")
# Acts on objects whose key is not in the path.
_S3_DATA_OPERATIONS = frozenset(
    {"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "DeleteObjects"}
)


@dataclass(frozen=True)
class Call:
    """An API call and its answer, as the front door saw them."""

    moment: datetime
    region: str
    service: str  # botocore's name
    operation: str  # the API's name
    path_parameters: Mapping[str, Any]
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    environ: Mapping[str, Any]
    caller: Caller
    source_address: str
    status: int
    answer_headers: Mapping[str, str]
    answer: bytes
    request_id: str

    def request(self) -> Any:
        """The request anew, with its body unread."""
        return Request({**self.environ, "wsgi.input": io.BytesIO(self.body)})

    @property
    def event_source(self) -> str:
        """CloudTrail's eventSource."""
        return record_names.EVENT_SOURCE_OF_SERVICE.get(
            self.service, f"{self.service}.amazonaws.com"
        )

    @property
    def is_recorded(self) -> bool:
        """Whether CloudTrail knows this call at all."""
        return self.operation not in record_names.UNRECORDED.get(self.service, ())

    @property
    def is_data_event(self) -> bool:
        """Whether this is an act on data, which only a trail that asks for it records."""
        if self.service == "s3":
            return "Key" in self.path_parameters or self.operation in _S3_DATA_OPERATIONS
        return self.operation in record_names.DATA_EVENTS.get(self.service, ())

    @property
    def is_read_only(self) -> bool:
        """CloudTrail's readOnly."""
        pair = (self.service, self.operation)
        if self.service == "lambda" and self.operation.startswith("Invoke"):
            return False
        return bool(_READ_ONLY.match(self.operation)) or pair in _READ_ONLY_ANYWAY

    @property
    def event_region(self) -> str:
        """The region that the record carries."""
        if self.service in record_names.GLOBAL_SERVICES:
            return regions.global_events_region(self.region)
        return self.region


def build(call: Call) -> dict[str, Any]:
    """The record of a call, as CloudTrail writes it to a log file."""
    answer = _parse_answer(call)
    error = answer.get("Error") if call.status >= 300 else None
    parameters = _request_parameters(call)
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": call.caller.user_identity(),
        "eventTime": iso_seconds(call.moment),
        "eventSource": call.event_source,
        "eventName": record_names.EVENT_NAMES.get((call.service, call.operation), call.operation),
        "awsRegion": call.event_region,
        "sourceIPAddress": call.source_address,
        "userAgent": call.headers.get("user-agent", "")[:1024],
    }
    if error is not None:
        code = _error_code(call, str(error.get("Code", "")))
        record["errorCode"] = code
        record["errorMessage"] = str(error.get("Message", ""))[:1024]
        if _REFUSALS.search(code) and call.service not in _PARAMETERS_KEPT_WHEN_REFUSED:
            parameters = None
    record["requestParameters"] = record_shapes.bounded(parameters)
    record["responseElements"] = (
        None if error is not None else record_shapes.bounded(_response_elements(call, answer))
    )
    if call.service == "s3":
        record["additionalEventData"] = {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": len(call.body),
            "AuthenticationMethod": (
                "AuthHeader" if "authorization" in call.headers else "QueryString"
            ),
            "bytesTransferredOut": len(call.answer),
        }
    record["requestID"] = call.request_id
    record["eventID"] = str(uuid.uuid4())
    record["readOnly"] = call.is_read_only
    if resources := _resources(call, parameters):
        record["resources"] = resources
    record["eventType"] = "AwsApiCall"
    record["managementEvent"] = not call.is_data_event
    record["recipientAccountId"] = call.caller.account
    record["eventCategory"] = "Data" if call.is_data_event else "Management"
    record["tlsDetails"] = {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": _host(call),
    }
    return record


def _host(call: Call) -> str:
    if call.service == "iam":
        return "iam.amazonaws.com"
    prefix = call.event_source.removesuffix(".amazonaws.com")
    return f"{prefix}.{call.region}.amazonaws.com"


def _error_code(call: Call, code: str) -> str:
    if call.service == "ec2":
        return code if code.startswith(("Client.", "Server.")) else f"Client.{code}"
    if code in ("AccessDeniedException", "AccessDenied"):
        return "AccessDenied"
    return code.rpartition("#")[2]


def _model(call: Call) -> Any:
    return get_service_model(call.service).operation_model(call.operation)


def parse_parameters(
    service: str, operation: str, path_parameters: Mapping[str, Any], request: Any
) -> dict[str, Any]:
    """A request's parameters under the API's names; {} for one that cannot be read."""
    model = get_service_model(service)
    protocol = determine_request_protocol(model, request.content_type)
    try:
        parsed = PROTOCOL_PARSERS[protocol](model.operation_model(operation)).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": dict(path_parameters),
            }
        )
    except (RequestParserError, ValueError, TypeError, KeyError, AttributeError):
        # What moto's parser raises for a body that is not what the operation takes.
        return {}
    return dict(parsed) if parsed else {}


def _request_parameters(call: Call) -> dict[str, Any] | None:
    if call.service in ("s3", "s3control"):
        bucket = call.path_parameters.get("Bucket")
        key = call.path_parameters.get("Key")
        return record_shapes.s3_parameters(
            bucket, key, _host(call), call.query, call.headers, call.body
        )
    model = _model(call)
    if call.service == "ec2" and call.operation in record_names.EC2_WRAPPED:
        query = call.body.decode("utf-8", "replace") or call.query
        return record_shapes.ec2_wrapped_parameters(call.operation, query)
    parameters = parse_parameters(
        call.service, call.operation, call.path_parameters, call.request()
    )
    if call.service == "ec2":
        return record_shapes.ec2_parameters(call.operation, parameters, model.input_shape)
    parameters = {
        name: value
        for name, value in parameters.items()
        if value is not None and not (value == [] and call.service in _QUERY_SERVICES)
    }
    if call.service == "lambda":
        _hide_code(parameters)
    if not parameters:
        return None
    shown = record_shapes.by_shape(parameters, model.input_shape)
    return dict(shown)


_QUERY_SERVICES = frozenset({"iam", "sts", "sns", "cloudwatch", "rds", "elbv2"})


def _hide_code(parameters: dict[str, Any]) -> None:
    """Records show that a function has variables, and never their values or its code."""
    for name in ("ZipFile", "Payload"):
        parameters.pop(name, None)
    if isinstance(parameters.get("Code"), dict):
        parameters["Code"] = {
            name: value for name, value in parameters["Code"].items() if name != "ZipFile"
        }
    if "Environment" in parameters:
        parameters["Environment"] = {}


def _parse_answer(call: Call) -> dict[str, Any]:
    failed = call.status >= 300
    if not failed and call.is_read_only and (call.service, call.operation) not in _ANSWER_SHOWN:
        return {}
    model = _model(call)
    protocol = _answer_protocol(call, model)
    try:
        parsed = create_parser(protocol).parse(
            {"status_code": call.status, "headers": call.answer_headers, "body": call.answer},
            model.output_shape if not failed else None,
        )
    except (ResponseParserError, ValueError, KeyError, TypeError, AttributeError):
        return {"Error": {"Code": str(call.status), "Message": ""}} if failed else {}
    return dict(parsed)


def _answer_protocol(call: Call, model: Any) -> str:
    content_type = call.answer_headers.get("content-type", "")
    if "cbor" in content_type:
        return "smithy-rpc-v2-cbor"
    protocol = determine_request_protocol(model.service_model, call.headers.get("content-type"))
    return str(protocol)


def _response_elements(call: Call, answer: dict[str, Any]) -> dict[str, Any] | None:
    if call.is_read_only and (call.service, call.operation) not in _ANSWER_SHOWN:
        return None
    if call.service in ("s3", "s3control"):
        return None
    model = _model(call)
    if call.service == "ec2":
        if call.operation in record_names.EC2_WRAPPED:
            return record_shapes.ec2_wrapped_response(call.operation, call.answer)
        return record_shapes.ec2_response(call.operation, call.answer, model.output_shape)
    if call.service == "kms" and call.operation in _KMS_ANSWERS_KEY:
        key = _key_arn(call)
        return {"keyId": key} if key else None
    answer.pop("ResponseMetadata", None)
    if not answer or model.output_shape is None:
        return None
    if call.service == "lambda":
        _hide_code(answer)
    return dict(record_shapes.by_shape(answer, model.output_shape))


_KMS_ANSWERS_KEY = frozenset(
    {
        "DisableKey",
        "DisableKeyRotation",
        "EnableKey",
        "EnableKeyRotation",
        "PutKeyPolicy",
        "UpdateKeyDescription",
    }
)


def _key_arn(call: Call) -> str | None:
    parameters = parse_parameters(
        call.service, call.operation, call.path_parameters, call.request()
    )
    key = parameters.get("KeyId")
    if not isinstance(key, str):
        return None
    if key.startswith("arn:"):
        return key
    partition = call.caller.arn.split(":")[1]
    return f"arn:{partition}:kms:{call.region}:{call.caller.account}:key/{key}"


def _resources(call: Call, parameters: dict[str, Any] | None) -> list[dict[str, str]]:
    account = call.caller.account
    if call.service == "s3" and parameters and parameters.get("bucketName"):
        arn = f"arn:{get_partition(call.region)}:s3:::{parameters['bucketName']}"
        found = [{"accountId": account, "type": "AWS::S3::Bucket", "ARN": arn}]
        if parameters.get("key"):
            found.insert(0, {"type": "AWS::S3::Object", "ARN": f"{arn}/{parameters['key']}"})
        return found
    if call.service == "kms" and parameters and isinstance(parameters.get("keyId"), str):
        key = _key_arn(call)
        return [{"accountId": account, "type": "AWS::KMS::Key", "ARN": key}] if key else []
    if call.service == "sts" and parameters and "roleArn" in parameters:
        arn = str(parameters["roleArn"])
        return [{"accountId": account, "type": "AWS::IAM::Role", "ARN": arn}]
    return []
