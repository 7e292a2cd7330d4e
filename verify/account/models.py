"""AWS's service models as botocore carries them, loaded at less cost than botocore does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.loaders import JSONFileLoader, Loader

from verify.kept import Kept

_KEPT = Kept(Path(__file__).parent / "__pycache__", "model", "botocore")
_SERVICE_MODEL = "service-2"

# By service, as boto3 names both.
Operations = Mapping[str, Collection[str]]


def part_of(model: Mapping[str, Any], operations: Collection[str]) -> dict[str, Any]:
    """A service model of some operations alone (as boto3 names them), without its prose."""
    chosen = {
        name: operation
        for name, operation in model["operations"].items()
        if xform_name(name) in operations
    }
    shapes: dict[str, Any] = {}
    waiting = list(_shapes_in(chosen))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting.extend(_shapes_in(shapes[name]))
    part: dict[str, Any] = _without_prose({**model, "operations": chosen, "shapes": shapes})
    return part


def _shapes_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "shape" and isinstance(item, str):
                yield item
            else:
                yield from _shapes_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _shapes_in(item)


def _without_prose(value: Any) -> Any:
    if isinstance(value, Mapping):
        # A member may have the name as well; prose is a text.
        return {
            key: "" if key == "documentation" and isinstance(item, str) else _without_prose(item)
            for key, item in value.items()
        }
    return [_without_prose(item) for item in value] if isinstance(value, list) else value


class _File(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Reads into dictionaries, which keep their order by now, instead of OrderedDicts."""

    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        if not os.path.isfile(full_path):
            return None
        with open_method(full_path, "rb") as file:
            return json.loads(file.read().decode("utf-8"))


class Models(Loader):  # type: ignore[misc]  # botocore has no types
    """Loads models without looking through every service's folder for each."""

    FILE_LOADER_CLASS = _File

    def __init__(self, extra_search_paths: list[str] | None) -> None:
        super().__init__(extra_search_paths=extra_search_paths)
        self._services: list[str] | None = None

    def list_available_services(self, type_name: str) -> list[str]:
        """The services that have a model of any type: what is not there is told when loaded."""
        if self._services is None:
            self._services = sorted(
                {
                    entry.name
                    for path in self.search_paths
                    if os.path.isdir(path)
                    for entry in os.scandir(path)
                    if entry.is_dir()
                }
            )
        return self._services


class ModelsOfOperations:
    """A loader's models, those of some services with some operations alone.

    What is kept of such a model is read in a fraction of the time.
    """

    def __init__(self, models: Models, operations: Operations) -> None:
        self._models = models
        self._operations = operations

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:
        """A model of a service. Raises UnknownServiceError and DataNotFoundError."""
        operations = self._operations.get(service_name)
        if type_name != _SERVICE_MODEL or operations is None or self._is_the_users(service_name):
            return self._models.load_service_model(service_name, type_name, api_version)
        key = json.dumps([service_name, api_version, sorted(operations)])
        model = _KEPT.get(key)
        if model is None:
            whole = self._models.load_service_model(service_name, type_name, api_version)
            model = part_of(whole, operations)
            _KEPT.put(key, model)
        return model

    def _is_the_users(self, service: str) -> bool:
        """Whether the user has put a model of a service in botocore's place (AWS_DATA_PATH)."""
        return any(
            next(Path(path, service).glob(f"*/{_SERVICE_MODEL}.json*"), None) is not None
            for path in self._models.search_paths
            if path != self._models.BUILTIN_DATA_PATH
        )
