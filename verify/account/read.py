"""One reading call of an AWS API, and what a control declares that it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, ParamSpec

from verify.inputs.deployment import Deployment

Arguments = ParamSpec("Arguments")
_Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """One reading call. `absent` are the error codes by which the API says "there is none".

    The same call at another `moment` of the run, or in another `region` than the deployment's (the
    empty one), is another read.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    moment: str = ""
    region: str = ""


@dataclass(frozen=True)
class Reading(Generic[Arguments]):
    """A kind of read: which operation it calls, and how its parameters come about.

    A control names its readings in its marker. What is fetched ahead, which permissions the
    verifier needs and what the documentation says all follow from that. Called with its arguments,
    a reading gives the Read.
    """

    service: str
    operation: str
    parameters: Callable[Arguments, _Parameters]
    absent: tuple[str, ...] = ()
    moment: str = ""
    # The arguments of the reads that are known from the outputs alone, to be fetched ahead.
    known: Callable[[Deployment], Iterable[tuple[Any, ...]]] | None = None
    # Where to ask, by the same arguments; in the deployment's own region where it does not say.
    place: Callable[Arguments, str] | None = None

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Read:
        return Read(
            self.service,
            self.operation,
            self.parameters(*args, **kwargs),
            self.absent,
            self.moment,
            "" if self.place is None else self.place(*args, **kwargs),
        )

    @property
    def call(self) -> tuple[str, str]:
        """Service and operation, as boto3 names them."""
        return self.service, self.operation

    def ahead(self, deployment: Deployment) -> Iterator[Read]:
        """The reads that need no other answer."""
        if self.known is not None:
            for arguments in self.known(deployment):
                yield self(*arguments)  # type: ignore[call-arg]  # `known` gives what it takes

    def when_needed(self) -> Reading[Arguments]:
        """The same read, and not ahead: mostly another's answer tells it as well."""
        return replace(self, known=None)

    def later(self, moment: str) -> Reading[Arguments]:
        """The same read at another moment of the run: asked for again, and not ahead."""
        return replace(self, moment=moment, known=None)


def of_account(service: str, operation: str, *absent: str, **parameters: Any) -> Reading[[]]:
    """A reading that depends on nothing."""
    return Reading(service, operation, lambda: parameters, absent, known=lambda _: ((),))


def of_deployment(
    service: str, operation: str, *absent: str
) -> Callable[[Callable[[Deployment], _Parameters]], Reading[[Deployment]]]:
    """Make a function from a deployment to parameters a reading."""

    def make(parameters: Callable[[Deployment], _Parameters]) -> Reading[[Deployment]]:
        return Reading(
            service, operation, parameters, absent, known=lambda deployment: ((deployment,),)
        )

    return make


def of_each(
    service: str,
    operation: str,
    subjects: Callable[[Deployment], Iterable[str]],
    *absent: str,
) -> Callable[[Callable[[Deployment, str], _Parameters]], Reading[[Deployment, str]]]:
    """Make a function from a deployment and a subject a reading of each of its `subjects`."""

    def make(
        parameters: Callable[[Deployment, str], _Parameters],
    ) -> Reading[[Deployment, str]]:
        return Reading(
            service,
            operation,
            parameters,
            absent,
            known=lambda deployment: ((deployment, subject) for subject in subjects(deployment)),
        )

    return make


def following(
    service: str, operation: str, *absent: str
) -> Callable[[Callable[Arguments, _Parameters]], Reading[Arguments]]:
    """Make a function a reading that depends on another's answer."""

    def make(parameters: Callable[Arguments, _Parameters]) -> Reading[Arguments]:
        return Reading(service, operation, parameters, absent)

    return make


def following_to(
    place: Callable[Arguments, str], service: str, operation: str, *absent: str
) -> Callable[[Callable[Arguments, _Parameters]], Reading[Arguments]]:
    """Like `following`, of a reading that asks in the region that `place` gives."""

    def make(parameters: Callable[Arguments, _Parameters]) -> Reading[Arguments]:
        return Reading(service, operation, parameters, absent, place=place)

    return make
