"""The shapes of requestParameters and responseElements.

Pure functions from a parsed request or a response's bytes to what a CloudTrail record shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree

from sandbox.clock import record_text
from sandbox.trail import record_names

_NAMESPACE = re.compile(r"\{(?P<uri>[^}]*)\}(?P<name>.*)")
EC2_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# A field larger than this is left out of a record.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
MAXIMUM_FIELD_BYTES = 100 * 1024


def lower_first(name: str) -> str:
    """``GroupId`` -> ``groupId``; ``DBInstanceClass`` -> ``dBInstanceClass``, as records do."""
    return name[:1].lower() + name[1:]


def plain(value: Any, secret: bool = False) -> Any:
    """Parameters or results of the JSON and query protocols: same structure, lower camel case."""
    if secret:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            lower_first(str(name)): plain(member, str(name).lower() in record_names.SECRETS)
            for name, member in value.items()
            if member is not None
        }
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return scalar(value)


def plain_keeping_keys(value: Any) -> Any:
    """A user's own map (tags, attributes): its keys are data and stay as they are."""
    if isinstance(value, Mapping):
        return {str(name): plain_keeping_keys(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain_keeping_keys(member) for member in value]
    return scalar(value)


def by_shape(value: Any, shape: Any) -> Any:
    """As ``plain``, guided by botocore's shape so that keys of maps are left alone."""
    kind = getattr(shape, "type_name", None)
    if kind == "structure" and isinstance(value, Mapping):
        return {
            lower_first(name): HIDDEN
            if name.lower() in record_names.SECRETS
            else by_shape(member, shape.members.get(name))
            for name, member in value.items()
            if member is not None and name != "ResponseMetadata"
        }
    if kind == "list" and isinstance(value, list | tuple):
        return [by_shape(member, shape.member) for member in value]
    if kind == "map" and isinstance(value, Mapping):
        return {str(name): by_shape(member, shape.value) for name, member in value.items()}
    return plain(value) if kind is None else scalar(value)


def scalar(value: Any) -> Any:
    """A leaf as JSON shows it: times as text, bytes left out."""
    if isinstance(value, datetime):
        return record_text(value)
    if isinstance(value, bytes | bytearray):
        return HIDDEN
    return value


# --- EC2 ------------------------------------------------------------------------------------


def ec2_parameters(action: str, parameters: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """Parameters of EC2's older actions: lower camel case, lists as ``{"items": [...]}``."""
    result: dict[str, Any] = {}
    for name, value in parameters.items():
        if value is None or name == "DryRun":
            continue
        if isinstance(value, list) and not value:
            # Queries have no empty lists: the parser makes them of absent parameters.
            continue
        key, shown = _ec2_member(action, name, value, _member_shape(shape, name))
        result[key] = shown
    for key in record_names.EC2_ALWAYS_PRESENT.get(action, ()):
        result.setdefault(key, {})
    for permission in _items(result.get("ipPermissions")):
        for key in record_names.IP_PERMISSION_LISTS:
            permission.setdefault(key, {})
    return result


def _member_shape(shape: Any, name: str) -> Any:
    members = getattr(shape, "members", None)
    return members.get(name) if members else None


def _items(value: Any) -> Iterable[dict[str, Any]]:
    return value.get("items", []) if isinstance(value, dict) else []


def _ec2_member(action: str, name: str, value: Any, shape: Any) -> tuple[str, Any]:
    key = (
        record_names.EC2_MEMBERS_OF_ACTION.get((action, name))
        or record_names.EC2_MEMBERS.get(name)
        or lower_first(name)
    )
    if name == "TagSpecifications":
        items = [
            {
                "resourceType": specification.get("ResourceType"),
                "tags": [plain(tag) for tag in specification.get("Tags", [])],
            }
            for specification in value
        ]
        return key, {"items": items}
    if isinstance(value, list):
        if value and not isinstance(value[0], Mapping):
            set_name, item_key = record_names.EC2_LISTS_OF_VALUES.get(
                name, (lower_first(name), "value")
            )
            return set_name, {"items": [{item_key: scalar(member)} for member in value]}
        member_shape = getattr(shape, "member", None)
        items = [_ec2_structure(action, member, member_shape) for member in value]
        return key, {"items": items} if items else {}
    if isinstance(value, Mapping):
        return key, _ec2_structure(action, value, shape)
    return key, value.strftime("%Y-%m-%dT%H:%M:%S.000Z") if isinstance(value, datetime) else value


def _ec2_structure(action: str, value: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    pairs = (
        _ec2_member(action, name, member, _member_shape(shape, name))
        for name, member in value.items()
        if member is not None and member != []
    )
    return dict(pairs)


def ec2_wrapped_parameters(action: str, query: str) -> dict[str, Any]:
    """Parameters of EC2's newer actions, from the query itself.

    ``{"<Action>Request": {...}}``: capitals kept, a list's members numbered by ``tag``, a plain
    member as ``{"content": ..., "tag": n}``; one member is an object, several are an array.
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in ("Action", "Version", "DryRun"):
            continue
        node = tree
        *path, leaf = name.split(".")[:32]
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                break
            node = child
        else:
            node[leaf] = _typed(value)
    return {f"{action}Request": _number_members(tree)}


def _number_members(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdigit() for name in node):
        members = []
        for name in sorted(node, key=int):
            value = _number_members(node[name])
            tag = int(name)
            members.append(
                {**value, "tag": tag} if isinstance(value, dict) else {"content": value, "tag": tag}
            )
        return members[0] if len(members) == 1 else members
    return {name: _number_members(value) for name, value in node.items()}


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,8})", text):
        return int(text)
    return text


def ec2_response(action: str, body: bytes, shape: Any) -> dict[str, Any] | None:
    """responseElements of EC2's older actions, typed by the operation's output shape.

    An answer with nothing else in it says that the call has succeeded (``_return``), as does
    that of the actions in record_names.EC2_ANSWERS_RETURN, even where moto leaves it out.
    """
    root = _parse_xml(body)
    if root is None:
        return None
    result: dict[str, Any] = {}
    shapes = _wire_names(shape)
    for child in root:
        name = _local(child.tag)
        key = "_return" if name == "return" else name
        result[key] = (
            child.text == "true" if name == "return" else _ec2_node(child, shapes.get(name))
        )
    if set(result) <= {"requestId"} or action in record_names.EC2_ANSWERS_RETURN:
        result.setdefault("_return", True)
    return result


def _wire_names(shape: Any) -> dict[str, Any]:
    members = getattr(shape, "members", None) or {}
    return {
        member.serialization.get("name", lower_first(name)): member
        for name, member in members.items()
    }


def _ec2_node(node: ElementTree.Element, shape: Any) -> Any:
    kind = getattr(shape, "type_name", None)
    children = list(node)
    if kind == "list" or (kind is None and children and _local(children[0].tag) == "item"):
        if not children:
            return {}
        return {"items": [_ec2_node(child, getattr(shape, "member", None)) for child in children]}
    if children or kind == "structure":
        shapes = _wire_names(shape)
        return {
            _local(child.tag): _ec2_node(child, shapes.get(_local(child.tag))) for child in children
        }
    text = node.text or ""
    if kind == "boolean":
        return text == "true"
    if kind in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind in ("float", "double"):
        return float(text or 0)
    return text


def ec2_wrapped_response(action: str, body: bytes) -> dict[str, Any] | None:
    """responseElements of EC2's newer actions: the answer's XML as it is."""
    root = _parse_xml(body)
    if root is None:
        return None
    shown = xml_object(root)
    shown["xmlns"] = EC2_NAMESPACE  # moto's lacks the last stroke
    for member in record_names.EC2_WRAPPED_ALWAYS_PRESENT.get(action, ()):
        shown.setdefault(member, "")
    return {f"{action}Response": shown}


# --- S3 -------------------------------------------------------------------------------------


def s3_parameters(
    bucket: str | None,
    key: str | None,
    host: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, Any]:
    """requestParameters of S3: sub-resource markers, chosen headers and the body.

    A bucket policy is an object under ``bucketPolicy``; an XML body is an object under its root
    element's name, with its ``xmlns``; one child of a name is an object, several are an array.
    """
    result: dict[str, Any] = {}
    if bucket:
        result["bucketName"] = bucket
    if key:
        result["key"] = key
    result["Host"] = host
    for name, value in parse_qsl(query, keep_blank_values=True):
        if not name.lower().startswith("x-amz-") and name != "x-id":
            result[name] = value
    grants = {name: value for name, value in headers.items() if name.startswith("x-amz-grant-")}
    if grants:
        result["accessControlList"] = grants
    for name in ("x-amz-acl", "x-amz-bucket-object-lock-enabled", "x-amz-object-ownership"):
        if name in headers:
            result[name] = headers[name]
    if not key and body:
        result.update(_s3_body(body, "policy" in result))
    return result


def _s3_body(body: bytes, is_policy: bool) -> dict[str, Any]:
    if is_policy:
        try:
            return {"bucketPolicy": json.loads(body)}
        except ValueError:
            return {}
    root = _parse_xml(body)
    return {} if root is None else {_local(root.tag): xml_object(root)}


# --- XML ------------------------------------------------------------------------------------


def _parse_xml(body: bytes) -> ElementTree.Element | None:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return None  # no AWS message has them, and entities can be made to explode
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - guarded by the line above
    except ElementTree.ParseError:
        return None


def _local(tag: str) -> str:
    found = _NAMESPACE.match(tag)
    return found["name"] if found else tag


def xml_object(node: ElementTree.Element, namespace: str | None = None) -> Any:
    """An XML element as records show it; leaves are typed by how they look."""
    result: dict[str, Any] = {}
    found = _NAMESPACE.match(node.tag)
    if found and found["uri"] != namespace:
        namespace = found["uri"]
        result["xmlns"] = namespace
    for name, value in node.attrib.items():
        if name == f"{{{XSI}}}type":
            result["xmlns:xsi"] = XSI
            result["xsi:type"] = value
        else:
            result[_local(name)] = value
    for child in node:
        name = _local(child.tag)
        value = xml_object(child, namespace)
        if name in result:
            earlier = result[name]
            result[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            result[name] = value
    if result:
        return result
    return _typed((node.text or "").strip())


# --- bounds -----------------------------------------------------------------------------------


def bounded(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """The field, or what a record has in its place when it is too large."""
    if value is not None and len(json.dumps(value, default=str)) > MAXIMUM_FIELD_BYTES:
        return {"omitted": True, "reason": "requestParameters or responseElements over 100 KB"}
    return value


def url_encoded_policies(response: Any) -> Any:
    """IAM answers with URL-encoded policy documents, and records keep them so."""
    if isinstance(response, dict):
        return {
            name: quote(value, safe="")
            if name.lower().endswith("policydocument") and isinstance(value, str)
            else url_encoded_policies(value)
            for name, value in response.items()
        }
    if isinstance(response, list):
        return [url_encoded_policies(member) for member in response]
    return response
