"""botocore sessions as the verification needs them: quick to start, and keeping whole answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.hooks import HierarchicalEmitter
from botocore.utils import parse_timestamp

from verify.account.models import Models, ModelsOfOperations, Operations
from verify.account.parsers import WholeAnswers


def core_session(operations: Operations | None = None) -> Any:
    """A session whose answers keep what AWS has new: what is read with it is evidence.

    With `operations`, its clients of those services know no others, and are made the quicker.
    """
    session = plain_session()
    models = _models(session.get_config_variable("data_path"))
    loader = models if operations is None else ModelsOfOperations(models, operations)
    session.register_component("data_loader", loader)
    parsers = WholeAnswers()
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    session.register_component("response_parser_factory", parsers)
    return session


def plain_session() -> Any:
    """A botocore session of what the environment says."""
    events = copy(_handlers())
    session = botocore.session.Session(event_hooks=events, include_builtin_handlers=False)
    # Without botocore's layer that translates services' former names in each event of each call:
    # handlers are registered, and clients emit, by today's.
    session.register_component("event_emitter", events)
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    session.set_default_client_config(Config(s3=_regional(session.get_config_variable("s3"))))
    return session


@cache
def _handlers() -> HierarchicalEmitter:
    """botocore's own handlers, which are the same for all sessions."""
    events = HierarchicalEmitter()
    botocore.session.Session(event_hooks=events)
    return events


def _regional(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """S3's settings as the user has them, and where they do not say it, us-east-1's own host.

    botocore else asks the global one there, which a network of regional endpoints alone does not
    let through (SDKs and Tools reference, "Amazon S3 regional endpoint").
    """
    return {"us_east_1_regional_endpoint": "regional", **(said or {})}


@cache
def _models(data_path: str | None) -> Models:
    """One loader for all sessions: what it has loaded it need not load again."""
    return Models(data_path.split(os.pathsep) if data_path else None)


def _timestamp(value: Any) -> Any:
    """A time as AWS writes it; every form that is not plain ISO 8601 is left to botocore.

    A listing has a time for each object, and botocore's own reading takes most of its time.
    """
    if isinstance(value, str) and value.endswith("Z") and value[4:5] == "-":
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return parse_timestamp(value)
