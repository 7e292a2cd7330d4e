"""Judging IAM, bucket, key, topic and trust policies: pure functions on documents.

Everything public is importable from here. Nothing here talks to AWS.
"""

from __future__ import annotations

from verify.policy.condition_keys import CONDITION_KEYS
from verify.policy.denials import (
    denies_insecure_transport,
    denies_other_encryption,
    denies_people,
)
from verify.policy.document import Condition, Document, PolicyError, Principal, Statement
from verify.policy.evaluation import Decision, Evaluation, effective_allows
from verify.policy.finding import Finding, Judgement, Verdict, verdict_of
from verify.policy.grants import (
    UNCONDITIONED_SERVICE_ACTIONS,
    ServiceGrant,
    foreign_grants,
    public_grants,
    service_grants,
)
from verify.policy.identity import ACTIONS_WITHOUT_RESOURCES, overbroad_identity_statements
from verify.policy.keys import ADMINISTRATIVE_ACTIONS, key_policy_findings
from verify.policy.trust import TrustedPrincipal, trust_principals

__all__ = [
    "ACTIONS_WITHOUT_RESOURCES",
    "ADMINISTRATIVE_ACTIONS",
    "CONDITION_KEYS",
    "UNCONDITIONED_SERVICE_ACTIONS",
    "Condition",
    "Decision",
    "Document",
    "Evaluation",
    "Finding",
    "Judgement",
    "PolicyError",
    "Principal",
    "ServiceGrant",
    "Statement",
    "TrustedPrincipal",
    "Verdict",
    "denies_insecure_transport",
    "denies_other_encryption",
    "denies_people",
    "effective_allows",
    "foreign_grants",
    "key_policy_findings",
    "overbroad_identity_statements",
    "public_grants",
    "service_grants",
    "trust_principals",
    "verdict_of",
]
