# The compliance function reads the relevant events from the trail's log group and publishes an alert for each violation.

locals {
  function_package = startswith(var.function_package, "/") ? var.function_package : "${path.module}/${var.function_package}"

  # The file without its notes, on one line.
  subscription_filter_pattern = join(" ", [
    for line in split("\n", file("${path.module}/subscription-filter-pattern.txt")) :
    trimspace(line) if trimspace(line) != "" && !startswith(trimspace(line), "#")
  ])
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_338:By variable, and a year in the profile prod; the baseline says how long.
  name              = local.function_log_group_name
  retention_in_days = var.log_group_retention_days
  kms_key_id        = aws_kms_key.logs.arn

  tags = { Name = local.function_log_group_name }
}

# What could not be processed: audit records, so it is encrypted with the key and kept as long as SQS can. The alarm counts
# what is visible: nothing may delay a message, hide it for long after a look, or move it on. SQS moves messages only out of
# the dead-letter queue of another queue, and no queue may make this one its own.
resource "aws_sqs_queue" "dead_letter" {
  name                       = local.dead_letter_queue_name
  message_retention_seconds  = 1209600
  max_message_size           = 262144
  delay_seconds              = 0
  visibility_timeout_seconds = 30
  redrive_allow_policy       = jsonencode({ redrivePermission = "denyAll" })
  kms_master_key_id          = aws_kms_key.logs.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Id      = local.dead_letter_queue_name
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.dead_letter_queue_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  tags = { Name = local.dead_letter_queue_name }
}

resource "aws_lambda_function" "compliance_checker" {
  function_name = local.function_name
  description   = "Raises an alert for each CloudTrail record that violates the baseline"
  role          = aws_iam_role.function.arn

  filename = local.function_package
  handler  = "compliance_checker.handler.handler"
  runtime  = var.function_runtime

  # fileexists keeps a missing package from hiding behind an error of the function; the precondition then names the remedy.
  source_code_hash = fileexists(local.function_package) ? filebase64sha256(local.function_package) : null

  timeout                        = var.function_timeout_seconds
  memory_size                    = var.function_memory_megabytes
  reserved_concurrent_executions = var.function_reserved_concurrency
  kms_key_arn                    = aws_kms_key.logs.arn

  dead_letter_config {
    target_arn = aws_sqs_queue.dead_letter.arn
  }

  environment {
    variables = merge(
      {
        ALERT_TOPIC_ARN       = local.alert_topic_arn
        DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letter.url
        ENVIRONMENT           = var.environment
        KEY_ARN               = aws_kms_key.logs.arn
        LEDGER_TABLE          = aws_dynamodb_table.alert_ledger.name
        LOG_LEVEL             = var.function_log_level
        METRIC_NAMESPACE      = var.function_metric_namespace
        TRAIL_ARN             = local.trail_arn
      },
      var.account_scan_enabled ? { SCAN_CHECKS = join(",", sort(var.account_scan_checks)) } : {},
      length(var.remediation_rules) == 0 ? {} : {
        REMEDIATION_RULES         = join(",", sort(var.remediation_rules))
        REMEDIATION_MODE          = var.remediation_mode
        REMEDIATION_EXEMPTION_TAG = var.remediation_exemption_tag
      },
    )
  }

  tags = { Name = local.function_name }

  # The log group must be there first: the role cannot create it, and Lambda's own would have no retention and no key.
  depends_on = [
    aws_cloudwatch_log_group.function,
    aws_iam_role_policy_attachment.function,
  ]

  lifecycle {
    precondition {
      condition     = fileexists(local.function_package)
      error_message = "The function's package ${local.function_package} does not exist. Build it with: python lambda/build.py"
    }

    precondition {
      condition     = var.existing_alert_topic_arn == null ? true : try(split(":", var.existing_alert_topic_arn)[3], "") == local.region
      error_message = "The existing alert topic is in another region than this deployment (${local.region}): alarms can only notify topics of their own region."
    }

    precondition {
      condition     = var.existing_alert_topic_arn == null ? true : try(split(":", var.existing_alert_topic_arn)[4], "") == local.account_id
      error_message = "The existing alert topic is in another account than this deployment (${local.account_id}): the suite cannot read its policy and subscribers there, so nothing would prove who hears of an alert."
    }

    precondition {
      condition     = var.existing_alert_topic_key_arn == null || var.existing_alert_topic_arn != null
      error_message = "existing_alert_topic_key_arn is set without existing_alert_topic_arn: it names the key of an existing topic."
    }
  }
}

# By this name the function judges and does nothing else: it publishes nothing and acts on nothing, whatever it is handed. It
# is the only one that the verifier may invoke.
resource "aws_lambda_alias" "rehearsal" {
  name             = "rehearsal"
  description      = "Judges, publishes nothing and acts on nothing"
  function_name    = aws_lambda_function.compliance_checker.function_name
  function_version = "$LATEST"
}

# Admits CloudWatch Logs for this log group of this account only.
resource "aws_lambda_permission" "trail_logs" {
  statement_id   = "AllowTrailLogGroup"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.compliance_checker.function_name
  principal      = "logs.amazonaws.com"
  source_arn     = "${aws_cloudwatch_log_group.trail.arn}:*"
  source_account = local.account_id
}

# One of the two that a log group may have; the second stays free for the organization's own use.
resource "aws_cloudwatch_log_subscription_filter" "compliance_checker" {
  name            = local.subscription_filter_name
  log_group_name  = aws_cloudwatch_log_group.trail.name
  filter_pattern  = local.subscription_filter_pattern
  destination_arn = aws_lambda_function.compliance_checker.arn

  # CloudWatch Logs sends a probe when the filter is created, and refuses it if the function may not be invoked.
  depends_on = [aws_lambda_permission.trail_logs]

  lifecycle {
    precondition {
      condition     = length(local.subscription_filter_pattern) >= 1 && length(local.subscription_filter_pattern) <= 1024
      error_message = "subscription-filter-pattern.txt must hold 1 to 1024 characters besides its notes: an empty pattern would send the function every event, and CloudWatch Logs takes no more than 1024."
    }
  }
}

# --- The scan of the account -----------------------------------------------------------------------------------------

resource "aws_cloudwatch_event_rule" "account_scan" {
  count = var.account_scan_enabled ? 1 : 0

  name                = "rule-account-scan-${var.environment}"
  description         = "Starts the compliance function's scan of the account"
  schedule_expression = var.account_scan_schedule

  tags = { Name = "rule-account-scan-${var.environment}" }
}

resource "aws_lambda_permission" "account_scan" {
  count = var.account_scan_enabled ? 1 : 0

  statement_id   = "AllowAccountScan"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.compliance_checker.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.account_scan[0].arn
  source_account = local.account_id
}

resource "aws_cloudwatch_event_target" "account_scan" {
  count = var.account_scan_enabled ? 1 : 0

  rule      = aws_cloudwatch_event_rule.account_scan[0].name
  target_id = "compliance-checker"
  arn       = aws_lambda_function.compliance_checker.arn

  depends_on = [aws_lambda_permission.account_scan]
}
