"""What the sandbox's parts share: its settings, moto's state and the lock that guards it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from moto.backends import get_backend
from moto.utilities.utils import get_partition

from sandbox.scheduler import Scheduler
from sandbox.settings import Settings


@dataclass(frozen=True)
class World:
    """One sandbox's shared state.

    moto is not written for threads, so whoever touches its state, a request's thread or a
    background one, holds ``lock`` while it does. Nothing waits for the network under the lock.
    """

    settings: Settings
    scheduler: Scheduler = field(default_factory=Scheduler)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def backend(self, service: Any, region: str) -> Any:
        """moto's state of a service in a region (or partition, for a global service)."""
        backends: Any = get_backend(service)[self.settings.account]
        return backends[region] if region in backends else backends[get_partition(region)]

    def regions(self, service: Any) -> list[Any]:
        """moto's states of a service in every region that has been used."""
        return list(get_backend(service)[self.settings.account].values())
