"""Eventual consistency, on request: what AWS does not know yet, and what it has not forgotten yet.

Strong consistency is the default, so that work with the sandbox is quick. With `--consistency=aws`
a thing that was just made is refused to the calls that use it as if there were none, listings lag
behind, and a deleted queue lingers. Times are AWS's own, whatever the sandbox's speed: they are
what clients wait for. Those without a source are assumed.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from moto.core.request import Request
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.iam.models import IAMBackend
from moto.sqs.exceptions import SQSException
from moto.sqs.models import SQSBackend

from sandbox.front import refusals
from sandbox.front.errors import Answer
from sandbox.front.gateway import Arrived
from sandbox.replacement import Kind, Replacement
from sandbox.trail import record
from sandbox.world import World

# SQS API reference, DeleteQueue ("up to 60 seconds", in which requests may succeed) and CreateQueue
# ("you must wait 60 seconds after deleting a queue").
QUEUE_LINGERS = 60.0


@dataclass(frozen=True)
class New:
    """A kind of thing that is not known everywhere as soon as it is made.

    `identifier` finds it in the parameters and the answer of the call that `makes` it; calls that
    name it by one of the members `used` are refused with `code` for so many `seconds`.
    """

    service: str
    makes: str
    identifier: Callable[[Mapping[str, Any], bytes], str]
    used: frozenset[str]
    code: str
    status: HTTPStatus
    message: str
    seconds: float


def _parameter(name: str) -> Callable[[Mapping[str, Any], bytes], str]:
    return lambda parameters, _: str(parameters.get(name, ""))


def _element(name: str) -> Callable[[Mapping[str, Any], bytes], str]:
    pattern = re.compile(rf"<{name}>([^<]+)</{name}>".encode())

    def read(_: Mapping[str, Any], answer: bytes) -> str:
        found = pattern.search(answer)
        return found[1].decode() if found else ""

    return read


KINDS = (
    # EC2 API reference, "Eventual consistency".
    New(
        "ec2",
        "CreateSecurityGroup",
        _element("groupId"),
        frozenset({"GroupId", "GroupIds"}),
        "InvalidGroup.NotFound",
        HTTPStatus.BAD_REQUEST,
        "The security group '{}' does not exist",
        2.0,
    ),
    # IAM guide, "Changes that I make are not always immediately visible".
    New(
        "iam",
        "CreateRole",
        _parameter("RoleName"),
        frozenset({"RoleName"}),
        "NoSuchEntity",
        HTTPStatus.NOT_FOUND,
        "The role with name {} cannot be found.",
        2.0,
    ),
    # SQS API reference, CreateQueue ("wait at least one second after the queue is created").
    New(
        "sqs",
        "CreateQueue",
        _parameter("QueueName"),
        frozenset({"QueueUrl", "QueueName"}),
        "AWS.SimpleQueueService.NonExistentQueue",
        HTTPStatus.BAD_REQUEST,
        "The specified queue does not exist.",
        1.0,
    ),
    # S3 guide, "Amazon S3 data consistency model": bucket configurations.
    New(
        "s3",
        "CreateBucket",
        _parameter("Bucket"),
        frozenset({"Bucket"}),
        "NoSuchBucket",
        HTTPStatus.NOT_FOUND,
        "The specified bucket does not exist",
        1.0,
    ),
)
_SERVICES = frozenset(kind.service for kind in KINDS)


class Consistency:
    """What is too new to be known, and what is deleted and lingers; by service and identifier."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known_from: dict[tuple[str, str], float] = {}
        self._lingering: dict[tuple[str, str], tuple[float, Any]] = {}

    def guard(self, arrived: Arrived) -> Answer | None:
        """The refusal of a call on something that its service does not know yet."""
        if arrived.service not in _SERVICES:
            return None
        parameters = _parameters(arrived)
        for kind in KINDS:
            if kind.service == arrived.service and kind.makes != arrived.operation:
                for named in _named(parameters, kind.used):
                    identifier = named.rpartition("/")[2]  # a queue is named by its URL
                    if self.is_new(kind.service, identifier):
                        said = kind.message.format(named)
                        return refusals.refuse(arrived, said, kind.code, kind.status)
        return None

    def happened(self, arrived: Arrived, answer: Answer) -> None:
        """Note what a call has made."""
        for kind in KINDS:
            made = (kind.service, kind.makes) == (arrived.service, arrived.operation)
            if made and answer.code < HTTPStatus.BAD_REQUEST:
                identifier = kind.identifier(_parameters(arrived), answer.body)
                self._note(kind.service, identifier, kind.seconds)

    def _note(self, service: str, identifier: str, seconds: float) -> None:
        with self._lock:
            self._known_from.setdefault((service, identifier), time.monotonic() + seconds)

    def is_new(self, service: str, identifier: str) -> bool:
        """Whether a thing is too new for its service to know it."""
        with self._lock:
            return time.monotonic() < self._known_from.get((service, identifier), 0.0)

    def linger(self, service: str, identifier: str, thing: Any, seconds: float) -> None:
        """Note that a thing is deleted and is forgotten only then."""
        with self._lock:
            self._lingering[service, identifier] = time.monotonic() + seconds, thing
            self._known_from.pop((service, identifier), None)

    def lingering(self, service: str) -> dict[str, Any]:
        """The things that are deleted and not forgotten yet, by identifier."""
        with self._lock:
            now = time.monotonic()
            return {
                identifier: thing
                for (of, identifier), (until, thing) in self._lingering.items()
                if of == service and now < until
            }


def _parameters(arrived: Arrived) -> Mapping[str, Any]:
    if arrived.service == "s3":
        return arrived.path_parameters
    return record.parse_parameters(
        arrived.service,
        arrived.operation,
        arrived.path_parameters,
        Request(arrived.fresh_environ()),
    )


def _named(parameters: Mapping[str, Any], members: frozenset[str]) -> list[str]:
    found: list[str] = []
    for member in members:
        value = parameters.get(member)
        found += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return found


# --- listings and deletions -----------------------------------------------------------------------


@dataclass(frozen=True)
class Context:
    """What the replacements work with; `consistency` is None where all is consistent at once."""

    world: World
    consistency: Consistency | None


def _delete_queue(
    context: Context, original: Callable[..., None], backend: Any, queue_name: str
) -> None:
    """Delete a queue. For a minute it is still listed, with its tags, and its name is taken."""
    queue = backend.get_queue(queue_name)
    original(backend, queue_name)
    if context.consistency is not None:
        context.consistency.linger("sqs", queue_name, queue, QUEUE_LINGERS)


def _list_queue_tags(
    context: Context, original: Callable[..., Any], backend: Any, queue_name: str
) -> Any:
    """The queue of that name, for its tags."""
    consistency = context.consistency
    lingering = None if consistency is None else consistency.lingering("sqs").get(queue_name)
    return original(backend, queue_name) if lingering is None else lingering


def _create_queue(
    context: Context,
    original: Callable[..., Any],
    backend: Any,
    name: str,
    tags: dict[str, str] | None = None,
    **given: Any,
) -> Any:
    """Make a queue, if none of that name was deleted within a minute."""
    if context.consistency is not None and name in context.consistency.lingering("sqs"):
        raise SQSException(
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with "
            "the same name.",
        )
    return original(backend, name, tags, **given)


def _list_queues(
    context: Context, original: Callable[..., list[Any]], backend: Any, queue_name_prefix: str
) -> list[Any]:
    """The queues whose names begin so, as far as they are known, and not forgotten, by now."""
    found = original(backend, queue_name_prefix)
    if context.consistency is None:
        return found
    gone = [
        queue
        for name, queue in context.consistency.lingering("sqs").items()
        if name.startswith(queue_name_prefix or "") and queue.region == backend.region_name
    ]
    return _without_new(context, "sqs", [*found, *gone], "name")


def _describe_groups(
    context: Context,
    original: Callable[..., list[Any]],
    backend: Any,
    group_ids: list[str] | None = None,
    *more: Any,
    **given: Any,
) -> list[Any]:
    """Security groups; those that are asked for by nothing are as far as they are known by now."""
    found = original(backend, group_ids, *more, **given)
    return found if group_ids else _without_new(context, "ec2", found, "id")


def _list_roles(
    context: Context, original: Callable[..., Any], backend: Any, *given: Any, **more: Any
) -> Any:
    """A page of roles, as far as they are known by now."""
    roles, marker = original(backend, *given, **more)
    return _without_new(context, "iam", roles, "name"), marker


def _without_new(context: Context, service: str, found: list[Any], attribute: str) -> list[Any]:
    consistency = context.consistency
    if consistency is None:
        return found
    return [one for one in found if not consistency.is_new(service, getattr(one, attribute))]


REPLACEMENTS = (
    Replacement(
        SQSBackend,
        "delete_queue",
        _delete_queue,
        "A deleted queue is listed for a minute more on AWS; moto's is forgotten at once.",
        Kind.AROUND,
    ),
    Replacement(
        SQSBackend,
        "list_queue_tags",
        _list_queue_tags,
        "What is still listed has its tags still; moto has forgotten them.",
        Kind.AROUND,
    ),
    Replacement(
        SQSBackend,
        "create_queue",
        _create_queue,
        "A name is free again a minute after its queue was deleted; moto's is at once.",
        Kind.AROUND,
    ),
    Replacement(
        SQSBackend,
        "list_queues",
        _list_queues,
        "A listing may not know yet what is seconds old; moto's does.",
        Kind.AROUND,
    ),
    Replacement(
        SecurityGroupBackend,
        "describe_security_groups",
        _describe_groups,
        "A listing may not know yet what is seconds old; moto's does.",
        Kind.AROUND,
    ),
    Replacement(
        IAMBackend,
        "list_roles",
        _list_roles,
        "A listing may not know yet what is seconds old; moto's does.",
        Kind.AROUND,
    ),
)
