"""Where requests go, when an endpoint of the user's own stands in AWS's place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from botocore.utils import CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES

_VARIABLE = "AWS_ENDPOINT_URL"
_ACCOUNT_HOST = re.compile(r"\d{12}\.")


def reach_by_address(client: Any) -> None:
    """Let S3 Control's client reach an endpoint that is given by its address, not by a name.

    It puts the account before whatever host it is given, and 123456789012.127.0.0.1 is nobody's
    name; the account is in a header as well. Other clients and endpoints stay as they are.
    """
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return
    client.meta.events.register("before-sign.s3-control", _without_account)


def _without_account(request: Any, **_: Any) -> None:
    parts = urlsplit(request.url)
    request.url = urlunsplit(parts._replace(netloc=_ACCOUNT_HOST.sub("", parts.netloc, count=1)))


@dataclass(frozen=True)
class StandIn:
    """An endpoint that answers in AWS's place, and the setting that says so."""

    url: str
    setting: str


def stand_ins(
    session: Any, environment: Mapping[str, str], services: Iterable[str] | None = None
) -> tuple[StandIn, ...]:
    """What answers in AWS's place to the botocore `session`'s clients of `services` (None: of any).

    AWS's own names, of VPC endpoints as well, are no stand-ins. The order in which settings count
    is that of the AWS SDKs and Tools Reference Guide, page "Service-specific endpoints". Raises
    botocore's errors of configuration.
    """
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ()
    profile = session.get_scoped_config()
    everywhere = StandIn(environment.get(_VARIABLE, ""), _VARIABLE)
    fallback = StandIn(profile.get("endpoint_url", ""), "endpoint_url in the profile")
    own_variables = {
        name.removeprefix(f"{_VARIABLE}_").lower(): StandIn(url, name)
        for name, url in environment.items()
        if name.startswith(f"{_VARIABLE}_")
    }
    section = session.full_config.get("services", {}).get(profile.get("services"), {})
    own_settings = {
        name: StandIn(values["endpoint_url"], f"endpoint_url of {name} in the services section")
        for name, values in section.items()
        if isinstance(values, Mapping) and values.get("endpoint_url")
    }
    names = (
        [*own_variables, *own_settings, ""] if services is None else map(_settings_name, services)
    )
    nothing = StandIn("", "")
    found: dict[str, StandIn] = {}
    for name in names:
        ways = (
            own_variables.get(name, nothing),
            everywhere,
            own_settings.get(name, nothing),
            fallback,
        )
        chosen = next((way for way in ways if way.url), nothing)
        if chosen.url and not _is_aws(session, chosen.url):
            found.setdefault(chosen.url, chosen)
    return tuple(found.values())


def _settings_name(service: str) -> str:
    """The service's name in settings of endpoints: its id, in snake case."""
    return str(CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES.get(service, service)).replace(
        "-", "_"
    )


def _is_aws(session: Any, url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    outputs = [part["outputs"] for part in session.get_data("partitions")["partitions"]]
    suffixes = {part[key] for part in outputs for key in ("dnsSuffix", "dualStackDnsSuffix")}
    return any(host.endswith(f".{suffix}") for suffix in suffixes)
