# What is deployed to the clinic's account, in place of the profile's values.
environment = "clinic"

verifier_oidc_trusts = [
  {
    provider_arn = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    subjects     = ["repo:hospital/audit-trail:ref:refs/heads/main"]
  },
]
