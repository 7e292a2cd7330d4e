# GuardDuty: threats, by what the account's calls, connections, queries of names and files look like. An account has one detector a
# region.

resource "aws_guardduty_detector" "account" {
  #checkov:skip=CKV2_AWS_3:For a whole organization it is its administrator's to set, in another account; the region is the provider's.
  count = var.guardduty_enabled ? 1 : 0

  enable = true
  # How soon a threat that goes on is told again; a new one is told within minutes.
  finding_publishing_frequency = "FIFTEEN_MINUTES"

  tags = { Name = "guardduty-${var.environment}" }
}

# What it looks at besides CloudTrail's events, flow logs and queries of names, which it always does.
resource "aws_guardduty_detector_feature" "protection" {
  for_each = toset(var.guardduty_enabled ? var.guardduty_protections : [])

  detector_id = aws_guardduty_detector.account[0].id
  name        = each.value
  status      = "ENABLED"
}
