mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  environment                        = "prod-eu"
  kms_key_arn                        = "arn:aws:kms:ap-southeast-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_bucket_name                    = "s3-cloudtrail-logs-prod-eu-123456789012"
  access_log_bucket_names            = ["s3-access-logs-prod-eu-123456789012"]
  break_glass_role_arns              = ["arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
  force_destroy                      = false
  config_enabled                     = true
  config_service_linked_role_enabled = true
  config_retention_days              = 2557
  guardduty_enabled                  = true
  guardduty_protections              = ["S3_DATA_EVENTS", "RDS_LOGIN_EVENTS"]
  security_hub_enabled               = true
  security_hub_standards             = ["nist-800-53/v/5.0.0"]
  access_analyzer_enabled            = true
  session_logging_enabled            = true
  session_log_retention_days         = 365
  finding_logs_enabled               = true
  finding_log_retention_days         = 365
}

run "nothing_is_there_unasked" {
  variables {
    config_enabled = false
  }

  assert {
    condition = (
      length(aws_config_configuration_recorder.account) == 0 && length(aws_config_delivery_channel.history) == 0 &&
      length(aws_config_config_rule.managed) == 0 && length(aws_config_retention_configuration.history) == 0 &&
      length(aws_s3_bucket.config_history) == 0 && length(aws_s3_bucket_logging.config_history) == 0 &&
      length(aws_iam_service_linked_role.config) == 0
    )
    error_message = "Without config_enabled nothing of AWS Config may be there."
  }

  assert {
    condition = (
      output.config_recorder_name == null && output.config_delivery_channel_name == null &&
      length(output.config_history_bucket_names) == 0 && length(output.config_rule_names) == 0 && length(output.config_role_arns) == 0
    )
    error_message = "The outputs must say that there is nothing."
  }
}

run "no_session_is_logged_unasked" {
  variables {
    session_logging_enabled = false
  }

  assert {
    condition = (
      length(aws_ssm_document.sessions) == 0 && length(aws_cloudwatch_log_group.sessions) == 0 && length(aws_s3_bucket.session_logs) == 0 &&
      length(aws_s3_bucket_policy.session_logs) == 0 && length(aws_s3_bucket_logging.session_logs) == 0
    )
    error_message = "Without session_logging_enabled nothing of Session Manager may be there."
  }

  assert {
    condition = (
      output.session_document_name == null && output.session_log_group_name == null &&
      length(output.session_log_bucket_names) == 0 && output.session_logging_policy_document == ""
    )
    error_message = "The outputs must say that there is nothing."
  }
}

run "every_session_is_logged_in_both_places" {
  assert {
    condition = (
      aws_ssm_document.sessions[0].name == "SSM-SessionManagerRunShell" && aws_ssm_document.sessions[0].document_type == "Session" &&
      jsondecode(aws_ssm_document.sessions[0].content).schemaVersion == "1.0" && jsondecode(aws_ssm_document.sessions[0].content).sessionType == "Standard_Stream"
    )
    error_message = "Session Manager knows its preferences by this name, type and form alone."
  }

  assert {
    condition = jsondecode(aws_ssm_document.sessions[0].content).inputs == {
      s3BucketName                = "s3-session-logs-prod-eu-123456789012"
      s3KeyPrefix                 = "sessions"
      s3EncryptionEnabled         = true
      cloudWatchLogGroupName      = "/aws/ssm/session-logs-prod-eu"
      cloudWatchEncryptionEnabled = true
      cloudWatchStreamingEnabled  = true
      kmsKeyId                    = var.kms_key_arn
      runAsEnabled                = false
      runAsDefaultUser            = ""
      idleSessionTimeout          = "15"
      maxSessionDuration          = "720"
      shellProfile                = { linux = "", windows = "" }
    }
    error_message = "Sessions must be logged in both places, encrypted, and while they last."
  }
}

run "sessions_are_kept_where_they_are_logged" {
  assert {
    condition = (
      aws_cloudwatch_log_group.sessions[0].name == "/aws/ssm/session-logs-prod-eu" &&
      aws_cloudwatch_log_group.sessions[0].retention_in_days == 365 && aws_cloudwatch_log_group.sessions[0].kms_key_id == var.kms_key_arn
    )
    error_message = "The log group must be encrypted with the key, and keep a year."
  }

  assert {
    condition = (
      aws_s3_bucket.session_logs[0].bucket == "s3-session-logs-prod-eu-123456789012" &&
      aws_s3_bucket_lifecycle_configuration.session_logs[0].rule[0].expiration[0].days == 365 &&
      aws_s3_bucket_lifecycle_configuration.session_logs[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 365 &&
      [for rule in aws_s3_bucket_server_side_encryption_configuration.session_logs[0].rule : rule.apply_server_side_encryption_by_default[0].kms_master_key_id] == [var.kms_key_arn] &&
      length(aws_s3_bucket_logging.session_logs) == 1
    )
    error_message = "The bucket must be encrypted with the key, keep a year, and tell who asks for what."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_s3_bucket_policy.session_logs[0].policy).Statement : statement.Sid => [
        statement.Effect, statement.Principal, try(statement.Condition.ArnNotLike["aws:PrincipalArn"], null)
      ]
      } == {
      DenyInsecureTransport = ["Deny", "*", null]
      DenyAlteration        = ["Deny", "*", "arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
      DenyDeletion          = ["Deny", "*", "arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
      DenyTampering         = ["Deny", "*", "arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
    }
    error_message = "The bucket's policy admits nobody, and only the break-glass role may delete."
  }
}

run "an_instance_needs_no_more_than_it_writes" {
  assert {
    condition = {
      for statement in jsondecode(output.session_logging_policy_document).Statement : statement.Sid => [flatten([statement.Action]), statement.Resource]
      } == {
      FindLogGroup           = [["logs:DescribeLogGroups"], "*"]
      WriteSessionLogs       = [["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/ssm/session-logs-prod-eu:*"]
      SeeThatBucketEncrypts  = [["s3:GetEncryptionConfiguration"], "arn:aws:s3:::s3-session-logs-prod-eu-123456789012"]
      WriteSessionLogFiles   = [["s3:PutObject", "s3:PutObjectAcl"], "arn:aws:s3:::s3-session-logs-prod-eu-123456789012/sessions/*"]
      EncryptSessionLogFiles = [["kms:Decrypt", "kms:GenerateDataKey"], var.kms_key_arn]
      ShareSessionKey        = [["kms:Decrypt"], var.kms_key_arn]
    }
    error_message = "An instance writes into its log group and into one folder, and reads no log."
  }

  assert {
    condition = [
      for statement in jsondecode(output.session_logging_policy_document).Statement : statement.Condition if contains(["EncryptSessionLogFiles", "ShareSessionKey"], statement.Sid)
      ] == [
      { StringEquals = { "kms:ViaService" = "s3.ap-southeast-1.amazonaws.com" } },
      { StringLike = { "kms:EncryptionContext:aws:ssm:SessionId" = "*" } },
    ]
    error_message = "It may use the key for its files and for its sessions' data alone."
  }
}

run "no_finding_is_kept_unasked" {
  variables {
    finding_logs_enabled = false
  }

  assert {
    condition = (
      length(aws_cloudwatch_log_group.findings) == 0 && length(aws_cloudwatch_log_resource_policy.findings) == 0 &&
      length(aws_cloudwatch_event_rule.findings_kept) == 0 && length(aws_cloudwatch_event_target.findings_kept) == 0 &&
      output.finding_log_group_name == null
    )
    error_message = "Without finding_logs_enabled there is no rule, and nothing that it could write into."
  }
}

run "findings_are_written_where_they_are_kept" {
  assert {
    condition = (
      output.finding_log_group_name == "/aws/events/findings-prod-eu" && aws_cloudwatch_log_group.findings[0].name == output.finding_log_group_name &&
      aws_cloudwatch_log_group.findings[0].retention_in_days == 365 && aws_cloudwatch_log_group.findings[0].kms_key_id == var.kms_key_arn
    )
    error_message = "The log group must be encrypted with the key, and keep a year."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.findings_kept[0].name == "rule-findings-kept-prod-eu" &&
      jsondecode(aws_cloudwatch_event_rule.findings_kept[0].event_pattern) == {
        source = ["aws.access-analyzer", "aws.guardduty", "aws.securityhub"]
        "detail-type" = [
          "Access Analyzer Finding", "Findings Imported V2", "GuardDuty Finding", "Internal Access Finding", "Security Hub Findings - Imported",
          "Unused Access Finding for IAM entities",
        ]
      }
    )
    error_message = "The rule must take the findings of the three services, and nothing else of theirs."
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.findings_kept[0].rule == "rule-findings-kept-prod-eu" && aws_cloudwatch_event_target.findings_kept[0].role_arn == null &&
      aws_cloudwatch_event_target.findings_kept[0].arn == "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/events/findings-prod-eu"
    )
    error_message = "Its target must be the log group, in no role, which EventBridge does not take for one."
  }
}

run "eventbridge_may_write_findings_and_nothing_else" {
  assert {
    condition = {
      for statement in jsondecode(aws_cloudwatch_log_resource_policy.findings[0].policy_document).Statement : statement.Action => [
        statement.Effect, statement.Principal.Service, statement.Resource, try(statement.Condition.ArnEquals["aws:SourceArn"], null)
      ]
      } == {
      "logs:CreateLogStream" = ["Allow", ["delivery.logs.amazonaws.com", "events.amazonaws.com"], "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/events/findings-prod-eu:*", null]
      "logs:PutLogEvents" = [
        "Allow", ["delivery.logs.amazonaws.com", "events.amazonaws.com"], "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/events/findings-prod-eu:*",
        "arn:aws:events:ap-southeast-1:123456789012:rule/rule-findings-kept-prod-eu"
      ]
    }
    error_message = "Events may be written into this group alone, for this rule alone."
  }

  assert {
    condition     = length(aws_cloudwatch_log_resource_policy.findings[0].policy_document) <= 5120
    error_message = "CloudWatch Logs takes no longer policy."
  }
}

run "every_resource_is_recorded_at_once" {
  assert {
    condition = (
      aws_config_configuration_recorder.account[0].recording_group[0].all_supported &&
      aws_config_configuration_recorder.account[0].recording_group[0].include_global_resource_types &&
      aws_config_configuration_recorder.account[0].recording_mode[0].recording_frequency == "CONTINUOUS" &&
      aws_config_configuration_recorder_status.account[0].is_enabled
    )
    error_message = "The recorder must record everything, as it changes, and be on."
  }

  assert {
    condition     = aws_config_configuration_recorder.account[0].role_arn == "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    error_message = "It must record as the role that AWS made for it."
  }
}

run "what_is_recorded_is_delivered_and_kept" {
  assert {
    condition = (
      aws_config_delivery_channel.history[0].s3_bucket_name == "s3-config-history-prod-eu-123456789012" &&
      aws_config_delivery_channel.history[0].s3_kms_key_arn == var.kms_key_arn &&
      aws_config_delivery_channel.history[0].snapshot_delivery_properties[0].delivery_frequency == "TwentyFour_Hours"
    )
    error_message = "It must be delivered into its own bucket, encrypted with the key."
  }

  assert {
    condition = (
      aws_config_retention_configuration.history[0].retention_period_in_days == 2557 &&
      aws_s3_bucket_lifecycle_configuration.config_history[0].rule[0].expiration[0].days == 2557 &&
      aws_s3_bucket_lifecycle_configuration.config_history[0].rule[0].noncurrent_version_expiration[0].noncurrent_days == 2557
    )
    error_message = "It must be kept for seven years, in both places."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_s3_bucket_policy.config_history[0].policy).Statement : statement.Sid => [
        statement.Effect, try(statement.Principal.Service, statement.Principal), try(statement.Condition.ArnNotLike["aws:PrincipalArn"], null)
      ]
      } == {
      ConfigFindsBucket     = ["Allow", "config.amazonaws.com", null]
      ConfigDeliversHistory = ["Allow", "config.amazonaws.com", null]
      DenyInsecureTransport = ["Deny", "*", null]
      DenyWritesByPeople    = ["Deny", "*", "arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
      DenyDeletion          = ["Deny", "*", "arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
      DenyTampering         = ["Deny", "*", "arn:aws:iam::123456789012:role/role-break-glass-prod-eu"]
    }
    error_message = "AWS Config alone may write, and only the break-glass role may delete."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.config_history[0].policy).Statement :
      statement.Condition.StringEquals["aws:SourceAccount"] == "123456789012" if statement.Effect == "Allow"
    ])
    error_message = "AWS Config may deliver for this account alone."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.config_history) == 1 && aws_s3_bucket.config_history[0].force_destroy == false
    error_message = "Requests for it must be logged, and it must not go with the bucket."
  }
}

run "without_a_break_glass_role_nobody_deletes" {
  variables {
    break_glass_role_arns   = []
    access_log_bucket_names = []
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.config_history[0].policy).Statement : can(statement.Condition) if statement.Sid == "DenyDeletion"] == [false]
    error_message = "Nobody may be spared."
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.session_logs[0].policy).Statement : can(statement.Condition) if statement.Sid != "DenyInsecureTransport"] == [false, false, false]
    error_message = "Nobody may be spared in the bucket of sessions either."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.config_history) == 0 && length(aws_s3_bucket_logging.session_logs) == 0
    error_message = "There is nowhere to log to."
  }
}

run "the_rules_are_those_of_the_list" {
  assert {
    condition = alltrue([
      for name, rule in aws_config_config_rule.managed :
      rule.name == "config-rule-${name}-prod-eu" && rule.source[0].owner == "AWS" && length(rule.scope) == 0
    ]) && length(aws_config_config_rule.managed) == 15
    error_message = "Each rule must be AWS's own, and for all resources."
  }

  assert {
    condition     = jsondecode(aws_config_config_rule.managed["cloudtrail-enabled"].input_parameters) == { s3BucketName = "s3-cloudtrail-logs-prod-eu-123456789012" }
    error_message = "The trail must be one that delivers into the log bucket."
  }
}

run "a_service_linked_role_that_is_there_is_left_alone" {
  variables {
    config_service_linked_role_enabled = false
  }

  assert {
    condition     = length(aws_iam_service_linked_role.config) == 0 && endswith(aws_config_configuration_recorder.account[0].role_arn, "/AWSServiceRoleForConfig")
    error_message = "The role must be used and not made."
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    config_retention_days      = 3653
    session_log_retention_days = 366
    finding_log_retention_days = 364
  }

  expect_failures = [var.config_retention_days, var.session_log_retention_days, var.finding_log_retention_days]
}

run "nothing_else_watches_unasked" {
  variables {
    guardduty_enabled       = false
    security_hub_enabled    = false
    access_analyzer_enabled = false
  }

  assert {
    condition = (
      length(aws_guardduty_detector.account) == 0 && length(aws_guardduty_detector_feature.protection) == 0 &&
      length(aws_securityhub_account.account) == 0 && length(aws_securityhub_standards_subscription.standard) == 0 &&
      length(aws_accessanalyzer_analyzer.account) == 0
    )
    error_message = "Each service must be there only where it is asked for."
  }

  assert {
    condition     = output.guardduty_detector_id == null && output.security_hub_arn == null && output.access_analyzer_name == null
    error_message = "The outputs must say that there is nothing."
  }
}

run "threats_standards_and_openings_are_watched" {
  assert {
    condition = (
      aws_guardduty_detector.account[0].enable && aws_guardduty_detector.account[0].finding_publishing_frequency == "FIFTEEN_MINUTES" &&
      keys(aws_guardduty_detector_feature.protection) == ["RDS_LOGIN_EVENTS", "S3_DATA_EVENTS"] &&
      alltrue([for protection in aws_guardduty_detector_feature.protection : protection.status == "ENABLED"])
    )
    error_message = "GuardDuty must be on, with each protection, and tell a threat that goes on every quarter of an hour."
  }

  assert {
    condition = (
      aws_securityhub_account.account[0].auto_enable_controls && !aws_securityhub_account.account[0].enable_default_standards &&
      [for standard in aws_securityhub_standards_subscription.standard : standard.standards_arn] == ["arn:aws:securityhub:ap-southeast-1::standards/nist-800-53/v/5.0.0"]
    )
    error_message = "Security Hub must hold the account to the standards that are named, and to no others."
  }

  assert {
    condition     = aws_accessanalyzer_analyzer.account[0].type == "ACCOUNT"
    error_message = "The analyzer must take whoever is not of the account for an outsider."
  }
}

run "a_protection_that_there_is_not_is_refused" {
  command = plan

  variables {
    guardduty_protections = ["S3_LOGS"]
  }

  expect_failures = [var.guardduty_protections]
}

run "a_standard_without_its_version_is_refused" {
  command = plan

  variables {
    security_hub_standards = ["nist-800-53"]
  }

  expect_failures = [var.security_hub_standards]
}
