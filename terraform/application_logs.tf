# Where applications log what people do with patients' records (docs/application-logging.md says what). One group for each; a
# data-protection policy masks what looks like an identifier all the same, and counts it (metric LogEventsWithFindings).

locals {
  application_log_group_names = {
    for name in keys(var.application_log_groups) : name => "/application/${name}-${var.environment}"
  }
  application_log_group_arns = [
    for name in values(local.application_log_group_names) : "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${name}"
  ]
  application_log_data_identifiers = [
    for name in sort(var.application_log_data_identifiers) : "arn:${local.partition}:dataprotection::aws:data-identifier/${name}"
  ]
}

resource "aws_cloudwatch_log_group" "application" {
  for_each = var.application_log_groups

  name              = local.application_log_group_names[each.key]
  retention_in_days = coalesce(each.value.retention_days, var.log_group_retention_days)
  kms_key_id        = aws_kms_key.logs.arn

  tags = { Name = local.application_log_group_names[each.key] }
}

# What is found is counted and sent nowhere: findings elsewhere would say of which record an identifier was logged.
resource "aws_cloudwatch_log_data_protection_policy" "application" {
  for_each = aws_cloudwatch_log_group.application

  log_group_name = each.value.name

  policy_document = jsonencode({
    Name    = "data-protection-${each.key}-${var.environment}"
    Version = "2021-06-01"
    Statement = [
      {
        Sid            = "Audit"
        DataIdentifier = local.application_log_data_identifiers
        Operation      = { Audit = { FindingsDestination = {} } }
      },
      {
        Sid            = "Mask"
        DataIdentifier = local.application_log_data_identifiers
        Operation      = { Deidentify = { MaskConfig = {} } }
      },
    ]
  })
}
