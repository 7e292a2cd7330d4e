"""What AWS's own models say that an operation answers with.

Source: the service models that botocore carries, which AWS publishes with every change of an API.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import Shape


class UnknownOperationError(Exception):
    """There is no such operation, by the models that botocore carries."""


@cache
def output_shape(service: str, operation: str) -> Shape | None:
    """The shape of the answer of an operation, both named as boto3 does; None if it has none.

    Raises UnknownOperationError for an operation or a service that AWS does not have.
    """
    try:
        name = _names(service)[operation]
    except (KeyError, UnknownServiceError):
        raise UnknownOperationError(f"AWS has no {service}.{operation}") from None
    return _session().get_service_model(service).operation_model(name).output_shape


@cache
def _names(service: str) -> dict[str, str]:
    """boto3's name of each operation -> AWS's."""
    model = _session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


@cache
def _session() -> Any:
    return botocore.session.get_session()
