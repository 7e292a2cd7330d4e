"""Judging IAM, bucket, key, topic and trust policies: pure functions on documents.

Everything public is importable from here. Nothing here talks to AWS.
"""

from __future__ import annotations

from verify.policy.admission import allows_beside, excessive_grants
from verify.policy.condition_keys import CONDITION_KEYS
from verify.policy.denials import (
    denies_insecure_transport,
    denies_other_encryption,
    denies_people,
)
from verify.policy.document import Condition, Document, PolicyError, Principal, Statement
from verify.policy.endpoints import allows_anything, resources_beyond
from verify.policy.evaluation import Decision, Evaluation, effective_allows
from verify.policy.finding import Finding, Judgement, Verdict, verdict_of
from verify.policy.grants import (
    UNCONDITIONED_SERVICE_ACTIONS,
    ServiceGrant,
    foreign_grants,
    public_grants,
    service_grants,
)
from verify.policy.identity import overbroad_identity_statements
from verify.policy.invocation import Invoker, other_invocations, refused_invokers
from verify.policy.key_grants import PermittedGrant, fault_of_grant
from verify.policy.keys import ADMINISTRATIVE_ACTIONS, key_policy_findings
from verify.policy.log_writers import log_writers, refused_deliveries
from verify.policy.need import NamedPolicy, beyond_need, lacking
from verify.policy.oidc_trusts import OidcTrust
from verify.policy.requests import ACTIONS_WITHOUT_RESOURCES, takes_resources
from verify.policy.serving import PEOPLE_OF_THE_ACCOUNT, trust_findings
from verify.policy.trust import TrustedPrincipal, trust_principals

__all__ = [
    "ACTIONS_WITHOUT_RESOURCES",
    "ADMINISTRATIVE_ACTIONS",
    "CONDITION_KEYS",
    "PEOPLE_OF_THE_ACCOUNT",
    "UNCONDITIONED_SERVICE_ACTIONS",
    "Condition",
    "Decision",
    "Document",
    "Evaluation",
    "Finding",
    "Invoker",
    "Judgement",
    "NamedPolicy",
    "OidcTrust",
    "PermittedGrant",
    "PolicyError",
    "Principal",
    "ServiceGrant",
    "Statement",
    "TrustedPrincipal",
    "Verdict",
    "allows_anything",
    "allows_beside",
    "beyond_need",
    "denies_insecure_transport",
    "denies_other_encryption",
    "denies_people",
    "effective_allows",
    "excessive_grants",
    "fault_of_grant",
    "foreign_grants",
    "key_policy_findings",
    "lacking",
    "log_writers",
    "other_invocations",
    "overbroad_identity_statements",
    "public_grants",
    "refused_deliveries",
    "refused_invokers",
    "resources_beyond",
    "service_grants",
    "takes_resources",
    "trust_findings",
    "trust_principals",
    "verdict_of",
]
