"""Firing what raises alerts, once a run, whoever asks first."""

from __future__ import annotations

import pytest

from verify.live_fire.invocation import Invocation
from verify.live_fire.probes import chosen
from verify.live_fire.volley import Volley
from verify.live_fire.waiting import Mailbox, Wait
from verify.run.verification import Run
from verify.suite import stash

# By these an act becomes an alert; a probe opens its rule in the VPC.
_ON_THE_WAY = ("function_arn", "alert_topic_arn", "vpc_id")


def require_way(run: Run) -> None:
    """Raise AbsentOutputError where the deployment is without what alerts come by.

    Nothing is done to an account that has nothing to tell of it.
    """
    run.deployment.require(*_ON_THE_WAY)


def fired_volley(config: pytest.Config) -> Volley:
    """The probes, fired at the first call. Raises AbsentOutputError; see `require_way`."""
    volley = config.stash.get(stash.VOLLEY, None)
    if volley is None:
        started = config.stash[stash.RUN]
        require_way(started)
        probes = chosen(started.probes)
        volley = Volley(started, probes, wait_told(config))
        config.stash[stash.VOLLEY] = volley
        volley.fire()
    return volley


def wait_told(config: pytest.Config) -> Wait:
    """A wait that the user sees while it lasts."""
    view = config.stash.get(stash.VIEW, None)
    # A worker has no terminal.
    tell = Mailbox(config.stash[stash.RUN].folder).put if view is None else view.tell
    return Wait(tell)


def fired_invocation(config: pytest.Config) -> Invocation:
    """The invocation of the function, made at the first call."""
    invocation = config.stash.get(stash.INVOCATION, None)
    if invocation is None:
        require_way(config.stash[stash.RUN])
        invocation = config.stash[stash.INVOCATION] = Invocation(config.stash[stash.RUN])
        invocation.fire()
    return invocation
