# What is deployed to the hospital's account, in place of the profile's values.
environment = "hospital"

verifier_oidc_trusts = [
  {
    provider_arn = "arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com"
    subjects     = ["repo:hospital/audit-trail:ref:refs/heads/main"]
  },
]
