"""An account in memory behind 127.0.0.1: the reading side of S3, CloudTrail and their like, and
what else the suite asks for its log-integrity controls.

Made for this part's tests and benchmarks: versioned buckets that a test can tamper with as an
administrator could, an answer's latency to choose, refusals to order, and much less work a request
than moto (about 40 microseconds), so that the client under test is what a benchmark measures.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

OLD = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """One version of an object; `body` is None for a delete marker."""

    identifier: str
    body: bytes | None
    metadata: dict[str, str]
    modified: datetime
    storage_class: str = "STANDARD"


class Bucket:
    """Objects by key, each with its versions from the oldest to the newest."""

    def __init__(self, name: str, region: str, versioned: bool = True) -> None:
        self.name = name
        self.region = region
        self.versioned = versioned
        self.versions: dict[str, list[Version]] = {}
        self._sorted: list[str] | None = None
        self._count = 0

    def put(
        self,
        key: str,
        body: bytes,
        metadata: dict[str, str] | None = None,
        modified: datetime = OLD,
        storage_class: str = "STANDARD",
    ) -> None:
        """Write an object, as PutObject does."""
        self._append(key, body, metadata or {}, modified, storage_class)

    def delete(self, key: str) -> None:
        """DeleteObject without a version: a marker where there are versions, else the end of it."""
        if self.versioned:
            self._append(key, None, {}, OLD, "STANDARD")
        else:
            self.purge(key)

    def purge(self, key: str) -> None:
        """Delete every version of an object, so that the bucket knows nothing of it."""
        del self.versions[key]
        self._sorted = None

    def current(self, key: str) -> Version:
        """The version that a plain GetObject returns."""
        return self.versions[key][-1]

    def rewrite(self, key: str, body: bytes, metadata: dict[str, str] | None = None) -> None:
        """Put the content of an object in its place, without leaving the earlier version."""
        current = self.versions[key][-1]
        kept = current.metadata if metadata is None else metadata
        self.versions[key] = [
            Version(current.identifier, body, kept, current.modified, current.storage_class)
        ]

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        """Keys with `prefix` that sort after `after`, in order."""
        if self._sorted is None:
            self._sorted = sorted(self.versions)
        start = bisect_left(self._sorted, max(prefix, after))
        for index in range(start, len(self._sorted)):
            key = self._sorted[index]
            if not key.startswith(prefix):
                if key > prefix:
                    return
                continue
            if key > after:
                yield key

    def _append(
        self,
        key: str,
        body: bytes | None,
        metadata: dict[str, str],
        modified: datetime,
        storage_class: str,
    ) -> None:
        self._count += 1
        identifier = f"version{self._count:08d}" if self.versioned else "null"
        version = Version(identifier, body, metadata, modified, storage_class)
        if key not in self.versions:
            self._sorted = None
            self.versions[key] = []
        if not self.versioned:
            self.versions[key].clear()
        self.versions[key].append(version)


@dataclass
class Account:
    """What the server answers from."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    trails: dict[str, dict[str, Any]] = field(default_factory=dict)  # DescribeTrails, by ARN
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)  # GetTrailStatus, by region
    public_keys: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by region
    enabled_regions: list[str] = field(default_factory=list)
    organization: str | None = None
    caller: str = "123456789012"
    regions_of: dict[str, list[str]] = field(default_factory=dict)  # ListRegions, by account
    members: dict[str, str] | None = None  # State in DescribeAccount, by account; None: denied
    key_created: datetime = OLD
    # "s3:GetObject", or "s3:GetObject <key>" for one object alone.
    denied: set[str] = field(default_factory=set)
    # Answers to give up with, by "s3:GetObject <key>", before the true one: HTTP status codes.
    faults: dict[str, list[int]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)


class _RefusalError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class _Response:
    status: int
    headers: dict[str, str]
    body: bytes


class _Service:
    def __init__(self, account: Account, page: int) -> None:
        self._account = account
        self._page = page

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> _Response:
        if method == "POST" and target == "/listRegions":
            return self._regions(json.loads(body))
        if method == "POST":
            return self._api(headers, body)
        url = urlsplit(target)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        query = {
            name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()
        }
        try:
            return self._s3(bucket, key, query)
        except _RefusalError as refusal:
            text = (
                '<?xml version="1.0" encoding="UTF-8"?>\n<Error>'
                f"<Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message></Error>"
            )
            return _Response(refusal.status, {"Content-Type": "application/xml"}, text.encode())

    # --- S3 -----------------------------------------------------------------------------------

    def _s3(self, name: str, key: str, query: dict[str, str]) -> _Response:
        bucket = self._account.buckets.get(name)
        if bucket is None:
            raise _RefusalError(404, "NoSuchBucket", "The specified bucket does not exist")
        if key:
            self._admit("s3:GetObject", key)
            return self._object(bucket, key, query.get("versionId"))
        if "location" in query:
            self._admit("s3:GetBucketLocation")
            region = "" if bucket.region == "us-east-1" else bucket.region
            return _xml("LocationConstraint", region)
        if "versions" in query:
            place = f"{query.get('prefix', '')} {query.get('key-marker', '')}"
            self._admit("s3:ListBucketVersions", place)
            return self._list_versions(bucket, query)
        self._admit("s3:ListBucket")
        return self._list(bucket, query)

    def _admit(self, action: str, key: str = "") -> None:
        calls, one = self._account.calls, f"{action} {key}"
        calls.update({action, one})
        if {action, one} & self._account.denied:
            raise _RefusalError(403, "AccessDenied", "Access Denied")
        faults = self._account.faults.get(one)
        if faults:
            raise _RefusalError(faults.pop(0), "InternalError", "We encountered an internal error.")

    def _object(self, bucket: Bucket, key: str, identifier: str | None) -> _Response:
        versions = bucket.versions.get(key, [])
        if identifier is None:
            version = versions[-1] if versions else None
        else:
            version = next((one for one in versions if one.identifier == identifier), None)
            if version is None:
                raise _RefusalError(404, "NoSuchVersion", "The specified version does not exist.")
        if version is None or version.body is None:
            raise _RefusalError(404, "NoSuchKey", "The specified key does not exist.")
        if version.storage_class in ("GLACIER", "DEEP_ARCHIVE"):
            raise _RefusalError(403, "InvalidObjectState", "The object is archived")
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Last-Modified": format_datetime(version.modified, usegmt=True),
            "x-amz-version-id": version.identifier,
        }
        headers.update({f"x-amz-meta-{name}": text for name, text in version.metadata.items()})
        return _Response(200, headers, version.body)

    def _list(self, bucket: Bucket, query: dict[str, str]) -> _Response:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        second = query.get("list-type") == "2"
        after = query.get("marker", "") if not second else query.get("start-after", "")
        if second and "continuation-token" in query:
            after = base64.b64decode(query["continuation-token"]).decode()
        limit = min(int(query.get("max-keys", 1000)), self._page)
        parts: list[str] = []
        common: list[str] = []
        last, truncated = "", False
        for key in bucket.keys(prefix, after):
            if bucket.versions[key][-1].body is None:
                continue
            if delimiter and delimiter in key[len(prefix) :]:
                head = prefix + key[len(prefix) :].split(delimiter)[0] + delimiter
                if head in common or after.startswith(head):
                    continue
                if len(parts) + len(common) == limit:
                    truncated = True
                    break
                common.append(head)
                last = head + "\uffff"
                continue
            if len(parts) + len(common) == limit:
                truncated = True
                break
            parts.append(f"<Contents>{_described(key, bucket.versions[key][-1])}</Contents>")
            last = key
        body = "".join(parts) + "".join(
            f"<CommonPrefixes><Prefix>{_encoded(head)}</Prefix></CommonPrefixes>" for head in common
        )
        if truncated and second:
            token = base64.b64encode(last.encode()).decode()
            body += f"<NextContinuationToken>{token}</NextContinuationToken>"
        elif truncated:
            body += f"<NextMarker>{_encoded(last)}</NextMarker>"
        return _listing("ListBucketResult", bucket, prefix, truncated, body)

    def _list_versions(self, bucket: Bucket, query: dict[str, str]) -> _Response:
        prefix, after = query.get("prefix", ""), query.get("key-marker", "")
        marker = query.get("version-id-marker")
        limit = min(int(query.get("max-keys", 1000)), self._page)
        rows: list[tuple[str, Version, bool]] = []
        if marker is not None:
            older = list(reversed(bucket.versions[after]))
            start = next(i for i, one in enumerate(older) if one.identifier == marker) + 1
            rows.extend((after, one, False) for one in older[start:])
        for key in bucket.keys(prefix, after):
            if len(rows) > limit:
                break
            newest = list(reversed(bucket.versions[key]))
            rows.extend((key, one, index == 0) for index, one in enumerate(newest))
        truncated = len(rows) > limit
        parts = []
        for key, version, latest in rows[:limit]:
            tag = "DeleteMarker" if version.body is None else "Version"
            described = _described(key, version)
            parts.append(
                f"<{tag}>{described}<VersionId>{version.identifier}</VersionId>"
                f"<IsLatest>{str(latest).lower()}</IsLatest></{tag}>"
            )
        body = "".join(parts)
        if truncated:
            key, version, _ = rows[limit - 1]
            body += (
                f"<NextKeyMarker>{_encoded(key)}</NextKeyMarker>"
                f"<NextVersionIdMarker>{version.identifier}</NextVersionIdMarker>"
            )
        return _listing("ListVersionsResult", bucket, prefix, truncated, body)

    # --- the other services -------------------------------------------------------------------

    def _api(self, headers: dict[str, str], body: bytes) -> _Response:
        target = headers.get("x-amz-target", "")
        region = headers.get("authorization", "///").split("/")[2]
        if b"Action=GetCallerIdentity" in body:
            caller = (
                f"<Account>{self._account.caller}</Account><UserId>AIDATEST</UserId>"
                f"<Arn>arn:aws:iam::{self._account.caller}:user/test</Arn>"
            )
            return _xml(
                "GetCallerIdentityResponse",
                f"<GetCallerIdentityResult>{caller}</GetCallerIdentityResult>",
            )
        if not target:
            self._account.calls["ec2:DescribeRegions"] += 1
            if "ec2:DescribeRegions" in self._account.denied:
                text = (
                    "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>not "
                    "authorized</Message></Error></Errors></Response>"
                )
                return _Response(403, {"Content-Type": "text/xml"}, text.encode())
            items = "".join(
                f"<item><regionName>{name}</regionName><optInStatus>opt-in-not-required"
                "</optInStatus></item>"
                for name in self._account.enabled_regions
            )
            return _xml("DescribeRegionsResponse", f"<regionInfo>{items}</regionInfo>")
        operation = target.rpartition(".")[2]
        request = json.loads(body or b"{}")
        service = next((name for name in ("organizations", "trent") if name in target.lower()), "")
        service = {"": "cloudtrail", "trent": "kms"}.get(service, service)
        action = f"{service}:{operation}"
        self._account.calls[action] += 1
        try:
            if {action, f"{action} {region}"} & self._account.denied:
                raise _RefusalError(
                    400, "AccessDeniedException", f"not authorized to perform {action}"
                )
            document = self._operation(operation, request, region)
        except _RefusalError as refusal:
            document = {"__type": refusal.code, "message": str(refusal)}
            return _Response(
                refusal.status,
                {"Content-Type": "application/x-amz-json-1.1"},
                json.dumps(document).encode(),
            )
        return _Response(
            200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
        )

    def _regions(self, request: dict[str, Any]) -> _Response:
        known = self._account.regions_of.get(request["AccountId"])
        if known is None:
            body = json.dumps({"message": "not authorized to perform account:ListRegions"})
            headers = {"x-amzn-errortype": "AccessDeniedException"}
            return _Response(403, {"Content-Type": "application/json", **headers}, body.encode())
        regions = [{"RegionName": name, "RegionOptStatus": "ENABLED"} for name in known]
        body = json.dumps({"Regions": regions})
        return _Response(200, {"Content-Type": "application/json"}, body.encode())

    def _operation(self, operation: str, request: dict[str, Any], region: str) -> dict[str, Any]:
        account = self._account
        if operation == "DescribeTrails":
            wanted = request.get("trailNameList") or list(account.trails)
            return {"trailList": [account.trails[arn] for arn in wanted if arn in account.trails]}
        if operation == "GetTrailStatus":
            trail = account.trails.get(request["Name"])
            # Elsewhere a trail of several regions has shadows, and one of a single region has none.
            if trail is None or not (trail["IsMultiRegionTrail"] or trail["HomeRegion"] == region):
                raise _RefusalError(400, "TrailNotFoundException", "Unknown trail")
            return account.statuses.get(region, {"IsLogging": True})
        if operation == "ListPublicKeys":
            start, end = request.get("StartTime", 0), request.get("EndTime", 1e12)
            return {
                "PublicKeyList": [
                    key
                    for key in account.public_keys.get(region, [])
                    if key["ValidityStartTime"] <= end and key["ValidityEndTime"] >= start
                ]
            }
        if operation == "DescribeKey":
            key = {"KeyId": request["KeyId"], "CreationDate": account.key_created.timestamp()}
            return {"KeyMetadata": key}
        if operation == "DescribeOrganization" and account.organization:
            return {"Organization": {"Id": account.organization}}
        if operation == "DescribeAccount" and account.members is not None:
            identifier = request["AccountId"]
            if identifier not in account.members:
                raise _RefusalError(400, "AccountNotFoundException", "no such member")
            return {"Account": {"Id": identifier, "State": account.members[identifier]}}
        raise _RefusalError(400, "InvalidAction", operation)


def _encoded(text: str) -> str:
    return quote(text, safe="/")


def _described(key: str, version: Version) -> str:
    described = (
        f"<Key>{_encoded(key)}</Key>"
        f"<LastModified>{version.modified.strftime('%Y-%m-%dT%H:%M:%S.000Z')}</LastModified>"
    )
    if version.body is None:
        return described
    return (
        f'{described}<ETag>"{hash(version.body) & 0xFFFFFFFFFFFF:x}"</ETag>'
        f"<Size>{len(version.body)}</Size><StorageClass>{version.storage_class}</StorageClass>"
    )


def _listing(tag: str, bucket: Bucket, prefix: str, truncated: bool, body: str) -> _Response:
    head = (
        f"<Name>{bucket.name}</Name><Prefix>{_encoded(prefix)}</Prefix>"
        f"<EncodingType>url</EncodingType><IsTruncated>{str(truncated).lower()}</IsTruncated>"
    )
    return _xml(tag, head + body)


def _xml(tag: str, body: str) -> _Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{tag} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{body}</{tag}>'
    )
    return _Response(200, {"Content-Type": "application/xml"}, text.encode())


class _Connection(asyncio.Protocol):
    def __init__(self, service: _Service, latency: float) -> None:
        self._service = service
        self._latency = latency
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {
                name.lower(): text.strip()
                for name, _, text in (line.partition(":") for line in lines)
            }
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, target, _ = first.split(" ")
            response = self._service.answer(method, target, headers, rest[:length])
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._write, response)
            else:
                self._write(response)

    def _write(self, response: _Response) -> None:
        if self._transport.is_closing():
            return
        lines = [f"HTTP/1.1 {response.status} Status", f"Content-Length: {len(response.body)}"]
        lines += [f"{name}: {text}" for name, text in response.headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self._transport.write(head + response.body)


async def _listen(
    account: Account, latency: float, page: int, port: int = 0
) -> tuple[asyncio.Server, int]:
    service = _Service(account, page)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(service, latency), "127.0.0.1", port, backlog=512
    )
    return server, server.sockets[0].getsockname()[1]


@contextmanager
def serving(account: Account, latency: float = 0.0, page: int = 1000) -> Iterator[str]:
    """Serve `account` from a thread; gives the endpoint's URL.

    `latency` is added to every answer, in seconds; `page` bounds the keys of a listing's page.
    """
    loop = asyncio.new_event_loop()
    server, port = loop.run_until_complete(_listen(account, latency, page))
    thread = threading.Thread(target=loop.run_forever, name="loopback", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def serve_forever(account: Account, latency: float, announce: Any) -> None:
    """Serve `account` in this process until it is ended; `announce` is called with the URL."""

    async def run() -> None:
        server, port = await _listen(account, latency, 1000)
        announce(f"http://127.0.0.1:{port}")
        await server.serve_forever()

    asyncio.run(run())
