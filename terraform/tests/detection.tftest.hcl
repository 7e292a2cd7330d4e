# What watches the account beside the trail: what the root adds to the module's parts.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "global_services"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "replication"
  source = "./tests/mocks"
}

variables {
  function_package = "tests/empty.zip"
}

run "by_default_the_trail_alone_watches" {
  assert {
    condition = (
      output.config_recorder_name == null && output.config_delivery_channel_name == null &&
      length(output.config_history_bucket_names) == 0 && length(output.config_rule_names) == 0 && length(output.config_role_arns) == 0
    )
    error_message = "Without config_enabled nothing of AWS Config may be there."
  }

  assert {
    condition = (
      output.session_document_name == null && output.session_log_group_name == null &&
      length(output.session_log_bucket_names) == 0 && output.session_logging_policy_document == "" &&
      !strcontains(aws_kms_key.logs.policy, "/aws/ssm/")
    )
    error_message = "Without session_logging_enabled nothing of Session Manager may be there."
  }

  assert {
    condition     = output.finding_log_group_name == null && !strcontains(aws_kms_key.logs.policy, "/aws/events/")
    error_message = "Without finding_logs_enabled no finding may be kept."
  }

  assert {
    condition     = !strcontains(aws_kms_key.logs.policy, "config.amazonaws.com")
    error_message = "The key must admit no service that does not use it."
  }
}

run "aws_config_is_admitted_where_it_is_on" {
  variables {
    config_enabled      = true
    access_logs_enabled = true
  }

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Condition if statement.Sid == "ConfigEncryptsHistory"
    ] == [{ StringEquals = { "aws:SourceAccount" = "123456789012" } }]
    error_message = "AWS Config must be able to encrypt, for this account alone."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.access_logs[0].policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012", "arn:aws:s3:::s3-config-history-dev-123456789012"]
    error_message = "Requests for what it delivers must be logged beside those for log files."
  }

  assert {
    condition = (
      output.config_recorder_name == "config-recorder-dev" && output.config_delivery_channel_name == "config-delivery-dev" &&
      output.config_history_bucket_names == ["s3-config-history-dev-123456789012"] && length(output.config_rule_names) == 15 &&
      length(output.config_role_arns) == 1
    )
    error_message = "The outputs must name what there is."
  }
}

run "high_findings_of_guardduty_reach_the_function" {
  variables {
    guardduty_enabled = true
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.threat_findings[0].event_pattern).detail.severity == [{ numeric = [">=", 7] }] &&
      aws_cloudwatch_event_target.threat_findings[0].arn == aws_lambda_function.compliance_checker.arn &&
      aws_lambda_permission.threat_findings[0].source_arn == aws_cloudwatch_event_rule.threat_findings[0].arn &&
      aws_lambda_permission.threat_findings[0].source_account == "123456789012"
    )
    error_message = "Findings from 7.0 on must go to the function, by this rule of this account alone."
  }
}

run "without_guardduty_nothing_of_it_reaches_the_function" {
  assert {
    condition = (
      length(aws_cloudwatch_event_rule.threat_findings) == 0 && length(aws_cloudwatch_event_target.threat_findings) == 0 &&
      length(aws_lambda_permission.threat_findings) == 0
    )
    error_message = "Without guardduty_enabled there is nothing to tell."
  }
}

run "session_manager_is_admitted_where_it_is_on" {
  variables {
    session_logging_enabled = true
    access_logs_enabled     = true
  }

  assert {
    condition = contains(flatten([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] if statement.Sid == "CloudWatchLogsEncryptsLogGroups"
    ]), "arn:aws:logs:ap-southeast-1:123456789012:log-group:${output.session_log_group_name}")
    error_message = "CloudWatch Logs must be able to encrypt the log group of sessions."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.access_logs[0].policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012", "arn:aws:s3:::${output.session_log_bucket_names[0]}"]
    error_message = "Requests for the files of sessions must be logged beside those for log files."
  }

  assert {
    condition = (
      contains(flatten([for statement in jsondecode(aws_iam_policy.verifier_state.policy).Statement : statement.Resource if statement.Sid == "ReadLogBucket"]), "arn:aws:s3:::s3-session-logs-dev-123456789012") &&
      [for statement in jsondecode(aws_iam_policy.verifier_detection.policy).Statement : statement.Resource if statement.Sid == "ReadSessionLogGroup"] == [[
        "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/ssm/session-logs-dev", "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/ssm/session-logs-dev:*",
      ]]
    )
    error_message = "The verifier must see where sessions are logged."
  }

  assert {
    condition     = output.session_document_name == "SSM-SessionManagerRunShell" && length(jsondecode(output.session_logging_policy_document).Statement) == 6
    error_message = "The outputs must name what there is."
  }
}

run "findings_are_encrypted_and_seen_where_they_are_kept" {
  variables {
    finding_logs_enabled = true
    access_roles_enabled = true
  }

  assert {
    condition = output.finding_log_group_name == "/aws/events/findings-dev" && contains(flatten([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] if statement.Sid == "CloudWatchLogsEncryptsLogGroups"
    ]), "arn:aws:logs:ap-southeast-1:123456789012:log-group:${output.finding_log_group_name}")
    error_message = "CloudWatch Logs must be able to encrypt the log group of findings."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.verifier_detection.policy).Statement : statement.Resource if statement.Sid == "ReadFindingLogGroup"] == [[
      "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/events/findings-dev", "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/events/findings-dev:*",
    ]]
    error_message = "The verifier must see where findings are kept."
  }

  assert {
    condition = contains(
      flatten([for statement in jsondecode(aws_iam_policy.log_events[0].policy).Statement : statement.Resource if statement.Sid == "ReadLogEvents"]),
      "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/events/findings-dev"
    )
    error_message = "An investigation must be able to read them."
  }

  assert {
    condition     = length(aws_iam_policy.verifier_detection.policy) <= 6144
    error_message = "A managed policy holds at most 6144 characters."
  }
}

run "the_verifier_only_looks" {
  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.verifier_detection.policy).Statement : [
        for action in flatten([statement.Action]) : can(regex(":(Describe|Get|List)", action))
      ]
    ]))
    error_message = "The verifier sees what watches, and changes nothing."
  }
}
