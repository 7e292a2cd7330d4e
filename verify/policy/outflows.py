"""Where S3 by itself sends what a bucket holds, and news of it, by the bucket's configurations.

Sources: Amazon S3 API reference, ReplicationRule, InventoryConfiguration, AnalyticsConfiguration,
MetadataConfigurationResult, NotificationConfiguration, LoggingEnabled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What stands for EventBridge among destinations: a notification to it names no resource.
EVENT_BRIDGE = "EventBridge"
_NOTIFIED = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


@dataclass(frozen=True)
class Outflow:
    """One way out: `what` S3 sends, and the ARN to which it does."""

    what: str
    destination: str

    def __str__(self) -> str:
        return f"{self.what} to {self.destination}"


def replicated(configuration: Mapping[str, Any]) -> Iterator[Outflow]:
    """Copies of files, by a ReplicationConfiguration; rules that are switched off copy nothing."""
    for rule in configuration.get("Rules") or ():
        if rule.get("Status") != "Disabled":
            to = (rule.get("Destination") or {}).get("Bucket", "a bucket that it does not name")
            yield Outflow(f"replication rule {rule.get('ID') or 'without a name'} copies files", to)


def inventoried(configurations: Iterable[Mapping[str, Any]]) -> Iterator[Outflow]:
    """Lists of files, by InventoryConfigurations; one that is switched off lists nothing."""
    for found in configurations:
        if found.get("IsEnabled") is not False:
            to = _bucket(found.get("Destination"))
            yield Outflow(f"inventory {found.get('Id')} lists files", to)


def analyzed(configurations: Iterable[Mapping[str, Any]]) -> Iterator[Outflow]:
    """Exports of storage class analysis, by AnalyticsConfigurations; most export nothing."""
    for found in configurations:
        export = (found.get("StorageClassAnalysis") or {}).get("DataExport")
        if export is not None:
            to = _bucket(export.get("Destination"))
            yield Outflow(f"analysis {found.get('Id')} is exported", to)


def tabulated(result: Mapping[str, Any]) -> Iterator[Outflow]:
    """Tables of metadata, by a MetadataConfigurationResult."""
    to = (result.get("DestinationResult") or {}).get("TableBucketArn")
    yield Outflow("metadata tables list files", to or "a table bucket that it does not name")


def notified(configuration: Mapping[str, Any]) -> Iterator[Outflow]:
    """News of files, by a NotificationConfiguration; a kind that is not known yet included."""
    for kind, found in configuration.items():
        if kind == "EventBridgeConfiguration":
            yield Outflow("notifications", EVENT_BRIDGE)
            continue
        for item in found:
            to = item.get(_NOTIFIED.get(kind, ""), f"a place of {kind}")
            yield Outflow(f"notification {item.get('Id') or 'without a name'}", to)


def logged(configuration: Mapping[str, Any], partition: str) -> Iterator[Outflow]:
    """Records of who asked for files, by GetBucketLogging's answer; and whom they are granted to.

    The target is a bucket of the same account, which the API names without its ARN.
    """
    enabled = configuration.get("LoggingEnabled")
    if enabled is None:
        return
    yield Outflow("access logs", f"arn:{partition}:s3:::{enabled.get('TargetBucket')}")
    for grant in enabled.get("TargetGrants") or ():
        grantee = grant.get("Grantee") or {}
        name = grantee.get("URI") or grantee.get("ID") or grantee.get("EmailAddress")
        yield Outflow(f"access logs with {grant.get('Permission')}", f"grantee {name}")


def _bucket(destination: Mapping[str, Any] | None) -> str:
    found = (destination or {}).get("S3BucketDestination") or {}
    return str(found.get("Bucket", "a bucket that it does not name"))
