# What watches the account beside the trail (modules/detection), each by a switch of its own: an organization that runs a service
# centrally leaves it off here.

module "detection" {
  source = "./modules/detection"

  environment             = var.environment
  kms_key_arn             = aws_kms_key.logs.arn
  log_bucket_name         = local.log_bucket_name
  access_log_bucket_names = aws_s3_bucket_policy.access_logs[*].bucket # by the policy S3 may deliver
  break_glass_role_arns   = compact([local.break_glass_role_arn])
  force_destroy           = var.log_bucket_force_destroy

  config_enabled                     = var.config_enabled
  config_service_linked_role_enabled = var.config_service_linked_role_enabled
  config_retention_days              = var.config_retention_days

  guardduty_enabled       = var.guardduty_enabled
  guardduty_protections   = var.guardduty_protections
  security_hub_enabled    = var.security_hub_enabled
  security_hub_standards  = var.security_hub_standards
  access_analyzer_enabled = var.access_analyzer_enabled

  session_logging_enabled    = var.session_logging_enabled
  session_log_retention_days = var.session_log_retention_days

  finding_logs_enabled       = var.finding_logs_enabled
  finding_log_retention_days = var.finding_log_retention_days
}

locals {
  # Built from the name: the policy of the bucket of access logs comes before the bucket.
  config_history_bucket_arns = [for made in [var.config_enabled] : "arn:${local.partition}:s3:::s3-config-history-${var.environment}-${local.account_id}" if made]

  # Built from names as well: the key's policy comes before the group, and the verifier's policies name both.
  session_log_group_arns  = [for made in [var.session_logging_enabled] : "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/ssm/session-logs-${var.environment}" if made]
  session_log_bucket_arns = [for made in [var.session_logging_enabled] : "arn:${local.partition}:s3:::s3-session-logs-${var.environment}-${local.account_id}" if made]

  # The key's policy comes before this group as well.
  finding_log_group_arns = [for made in [var.finding_logs_enabled] : "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/events/findings-${var.environment}" if made]

  # What the key's policy says of the services: they deliver as themselves, and name no more than the account.
  # https://docs.aws.amazon.com/config/latest/developerguide/s3-kms-key-policy.html
  key_detection_statements = [for made in [var.config_enabled] : {
    Sid       = "ConfigEncryptsHistory"
    Effect    = "Allow"
    Principal = { Service = "config.amazonaws.com" }
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = "*"
    Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
  } if made]
}

# --- What GuardDuty finds --------------------------------------------------------------------------------------------

# High and critical findings go to the function, which tells them as it tells violations. Not to the topic itself: EventBridge
# names no source to a topic, so that any rule of the account could publish to one that admits it.
resource "aws_cloudwatch_event_rule" "threat_findings" {
  count = var.guardduty_enabled ? 1 : 0

  name        = "rule-threat-findings-${var.environment}"
  description = "Takes high findings of GuardDuty to the compliance function"
  event_pattern = jsonencode({
    source        = ["aws.guardduty"]
    "detail-type" = ["GuardDuty Finding"]
    detail        = { severity = [{ numeric = [">=", 7] }] } # high, and critical
  })

  tags = { Name = "rule-threat-findings-${var.environment}" }
}

resource "aws_lambda_permission" "threat_findings" {
  count = var.guardduty_enabled ? 1 : 0

  statement_id   = "AllowThreatFindings"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.compliance_checker.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.threat_findings[0].arn
  source_account = local.account_id
}

resource "aws_cloudwatch_event_target" "threat_findings" {
  count = var.guardduty_enabled ? 1 : 0

  rule      = aws_cloudwatch_event_rule.threat_findings[0].name
  target_id = "compliance-checker"
  arn       = aws_lambda_function.compliance_checker.arn

  depends_on = [aws_lambda_permission.threat_findings]
}

# --- Verification ----------------------------------------------------------------------------------------------------

# Whatever is off here may be on by somebody else's hand: the verifier sees that as well.
resource "aws_iam_policy" "verifier_detection" {
  name        = "policy-verifier-detection-${var.environment}"
  description = "See what watches the account beside the trail"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        # Listings of the account, which know no resource.
        Sid    = "ReadConfig"
        Effect = "Allow"
        Action = [
          "config:DescribeConfigRules",
          "config:DescribeConfigurationRecorderStatus",
          "config:DescribeConfigurationRecorders",
          "config:DescribeDeliveryChannelStatus",
          "config:DescribeDeliveryChannels",
          "config:DescribeRetentionConfigurations",
        ]
        Resource = "*"
      },
      {
        # AWS Config chooses the ends of their ARNs.
        Sid      = "ReadConfigTags"
        Effect   = "Allow"
        Action   = "config:ListTagsForResource"
        Resource = "arn:${local.partition}:config:${local.region}:${local.account_id}:config-rule/*"
      },
      {
        Sid      = "FindDetectors"
        Effect   = "Allow"
        Action   = ["access-analyzer:ListAnalyzers", "guardduty:ListDetectors"]
        Resource = "*"
      },
      {
        # GuardDuty chooses its detector's id, and a filter's name is whoever's made it.
        Sid      = "ReadDetector"
        Effect   = "Allow"
        Action   = ["guardduty:GetDetector", "guardduty:GetFilter", "guardduty:ListFilters", "guardduty:ListIPSets"]
        Resource = "arn:${local.partition}:guardduty:${local.region}:${local.account_id}:detector/*"
      },
      {
        Sid      = "ReadHub"
        Effect   = "Allow"
        Action   = ["securityhub:DescribeHub", "securityhub:GetEnabledStandards"]
        Resource = "arn:${local.partition}:securityhub:${local.region}:${local.account_id}:hub/default"
      },
      {
        Sid      = "ReadAnalyzer"
        Effect   = "Allow"
        Action   = "access-analyzer:ListArchiveRules"
        Resource = "arn:${local.partition}:access-analyzer:${local.region}:${local.account_id}:analyzer/*"
      },
      {
        Sid      = "ListDocuments"
        Effect   = "Allow"
        Action   = "ssm:ListDocuments"
        Resource = "*"
      },
      {
        # Session Manager's preferences, and whatever other document of the account's own a session may be started by.
        Sid      = "ReadDocuments"
        Effect   = "Allow"
        Action   = ["ssm:DescribeDocument", "ssm:DescribeDocumentPermission", "ssm:GetDocument", "ssm:ListTagsForResource"]
        Resource = "arn:${local.partition}:ssm:${local.region}:${local.account_id}:document/*"
      },
      ], [
      for arn in local.session_log_group_arns : {
        Sid      = "ReadSessionLogGroup"
        Effect   = "Allow"
        Action   = ["logs:DescribeMetricFilters", "logs:ListTagsForResource"]
        Resource = [arn, "${arn}:*"]
      }
      ], [
      for arn in local.finding_log_group_arns : {
        Sid      = "ReadFindingLogGroup"
        Effect   = "Allow"
        Action   = ["logs:DescribeMetricFilters", "logs:ListTagsForResource"]
        Resource = [arn, "${arn}:*"]
      }
    ])
  })

  tags = { Name = "policy-verifier-detection-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_detection" {
  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_detection.arn
}
