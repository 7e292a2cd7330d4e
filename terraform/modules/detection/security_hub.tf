# Security Hub: the account held to AWS's standards, all day, and the findings of every service in one place.

resource "aws_securityhub_account" "account" {
  count = var.security_hub_enabled ? 1 : 0

  # The standards are those of the variable, and a control that AWS adds to one of them counts at once.
  enable_default_standards  = false
  auto_enable_controls      = true
  control_finding_generator = "SECURITY_CONTROL"
}

resource "aws_securityhub_standards_subscription" "standard" {
  for_each = toset(var.security_hub_enabled ? var.security_hub_standards : [])

  standards_arn = "arn:${local.partition}:securityhub:${local.region}::standards/${each.value}"

  depends_on = [aws_securityhub_account.account]
}
