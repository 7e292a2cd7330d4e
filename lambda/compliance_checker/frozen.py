"""Frozen value classes without the cold start of ``dataclasses``.

``dataclasses`` imports ``inspect`` and writes and compiles the methods of every class: 14 ms of
each cold start for the classes of this package. :func:`frozen` reads the same class bodies, and
type checkers take its classes for frozen dataclasses (PEP 681).
"""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_):
        return lambda decorator: decorator


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """Give a class of annotated fields its construction, comparison, hash and representation.

    Fields are set at construction, by position or name, and never again; a default must itself be
    immutable. TypeError for a missing, unknown or repeated field, AttributeError for a change.
    """
    fields = tuple(cls.__annotations__)
    known = frozenset(fields)
    defaults = {name: cls.__dict__[name] for name in fields if name in cls.__dict__}
    required = known - defaults.keys()
    fill = object.__setattr__  # which construction alone may use

    def construct(self: Any, /, *values: Any, **named: Any) -> None:
        given = named
        if values:
            given = dict(zip(fields, values, strict=False))
            given.update(named)
        state = {**defaults, **given} if defaults else given
        if state.keys() != known or len(given) != len(values) + len(named):
            raise TypeError(_complaint(cls.__name__, required, known, values, named))
        fill(self, "__dict__", state)

    def refuse(self: Any, name: str, *_: Any) -> None:
        raise AttributeError(f"{cls.__name__} is frozen: {name} cannot be changed")

    def compare(self: Any, other: object) -> bool:
        return type(other) is type(self) and bool(self.__dict__ == other.__dict__)

    def represent(self: Any) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in fields)
        return f"{cls.__name__}({shown})"

    methods: dict[str, Callable[..., Any]] = {
        "__init__": construct,
        "__setattr__": refuse,
        "__delattr__": refuse,
        "__eq__": compare,
        "__hash__": lambda self: hash(tuple(map(self.__dict__.__getitem__, fields))),
        "__repr__": represent,
    }
    for name, method in methods.items():
        setattr(cls, name, method)
    return cls


def _complaint(
    name: str,
    required: frozenset[str],
    known: frozenset[str],
    values: tuple[Any, ...],
    named: dict[str, Any],
) -> str:
    if unknown := sorted(named.keys() - known):
        return f"{name} has no field {', '.join(unknown)}"
    if len(values) + len(named) < len(required):
        return f"{name} needs the fields {', '.join(sorted(required))}"
    return f"{name} was given {len(values)} values and {', '.join(sorted(named)) or 'no names'}"
