"""botocore sessions as the verification needs them: quick to start, and keeping whole answers."""

from __future__ import annotations

import os
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import Loader
from botocore.utils import parse_timestamp

from verify.account.parsers import WholeAnswers


def core_session() -> Any:
    """A botocore session of what the environment says; its answers keep what AWS has new."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    parsers = WholeAnswers()
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    session.register_component("response_parser_factory", parsers)
    return session


class _Models(Loader):  # type: ignore[misc]  # botocore has no types
    """Loads AWS's service models without looking through every service's folder for each."""

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


@cache
def _models(data_path: str | None) -> _Models:
    """One loader for all sessions: what it has loaded it need not load again."""
    return _Models(data_path.split(os.pathsep) if data_path else None)


def _timestamp(value: Any) -> Any:
    """A time as AWS writes it; every form that is not plain ISO 8601 is left to botocore."""
    if isinstance(value, str) and value.endswith("Z") and value[4:5] == "-":
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return parse_timestamp(value)
