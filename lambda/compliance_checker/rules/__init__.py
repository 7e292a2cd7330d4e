"""Every rule, by family; the order is that of the alerts of one record."""

from __future__ import annotations

from ..model import Rule
from . import network

RULES: tuple[Rule, ...] = (*network.RULES,)
