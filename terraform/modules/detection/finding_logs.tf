# After 90 days GuardDuty and Security Hub let go of what they found, and IAM Access Analyzer of what is resolved. EventBridge writes each
# finding, as it is told and whenever it changes, into a log group that keeps it for longer.
# https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_limits.html
# https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub_limits.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings-view.html

locals {
  finding_log_count     = var.finding_logs_enabled ? 1 : 0
  finding_log_group     = "/aws/events/findings-${var.environment}"
  finding_log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${local.finding_log_group}"

  # Built from its name: events come only once EventBridge may write them.
  finding_log_rule     = "rule-findings-kept-${var.environment}"
  finding_log_rule_arn = "arn:${local.partition}:events:${local.region}:${local.account_id}:rule/${local.finding_log_rule}"

  # By the kinds that tell of findings: calls of the services, previews and scans of objects have other records.
  finding_kinds = {
    "aws.access-analyzer" = ["Access Analyzer Finding", "Internal Access Finding", "Unused Access Finding for IAM entities"]
    "aws.guardduty"       = ["GuardDuty Finding"]
    "aws.securityhub"     = ["Findings Imported V2", "Security Hub Findings - Imported"]
  }

  # Both services, as AWS has it. A stream is opened for no rule that a condition could name; what is written is written for one.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
  finding_log_writers = ["delivery.logs.amazonaws.com", "events.amazonaws.com"]

  finding_logs_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "EventBridgeOpensStreams"
        Effect    = "Allow"
        Principal = { Service = local.finding_log_writers }
        Action    = "logs:CreateLogStream"
        Resource  = "${local.finding_log_group_arn}:*"
      },
      {
        Sid       = "EventBridgeWritesFindings"
        Effect    = "Allow"
        Principal = { Service = local.finding_log_writers }
        Action    = "logs:PutLogEvents"
        Resource  = "${local.finding_log_group_arn}:*"
        Condition = { ArnEquals = { "aws:SourceArn" = local.finding_log_rule_arn } }
      },
    ]
  }
}

resource "aws_cloudwatch_log_group" "findings" {
  count = local.finding_log_count

  name              = local.finding_log_group
  retention_in_days = var.finding_log_retention_days
  kms_key_id        = var.kms_key_arn

  tags = { Name = local.finding_log_group }
}

resource "aws_cloudwatch_log_resource_policy" "findings" {
  count = local.finding_log_count

  policy_name     = "log-policy-findings-${var.environment}"
  policy_document = jsonencode(local.finding_logs_policy)
}

resource "aws_cloudwatch_event_rule" "findings_kept" {
  count = local.finding_log_count

  name        = local.finding_log_rule
  description = "Takes findings of GuardDuty, Security Hub and IAM Access Analyzer to the log group that keeps them"
  event_pattern = jsonencode({
    source        = sort(keys(local.finding_kinds))
    "detail-type" = sort(flatten(values(local.finding_kinds)))
  })

  tags = { Name = local.finding_log_rule }
}

# In no role: EventBridge takes none for a log group.
resource "aws_cloudwatch_event_target" "findings_kept" {
  count = local.finding_log_count

  rule      = aws_cloudwatch_event_rule.findings_kept[0].name
  target_id = "finding-logs"
  arn       = local.finding_log_group_arn

  depends_on = [aws_cloudwatch_log_group.findings, aws_cloudwatch_log_resource_policy.findings]
}
