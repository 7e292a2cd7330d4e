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

run "the_trail_records_everything_and_can_be_proven" {
  assert {
    condition     = aws_cloudtrail.audit.is_multi_region_trail && aws_cloudtrail.audit.include_global_service_events && aws_cloudtrail.audit.enable_log_file_validation && aws_cloudtrail.audit.enable_logging
    error_message = "The trail must log, in every region, global services too, with validation."
  }

  assert {
    condition = length(aws_cloudtrail.audit.event_selector) == 1 && alltrue([
      for selector in aws_cloudtrail.audit.event_selector :
      selector.read_write_type == "All" && selector.include_management_events && length(selector.data_resource) == 0 &&
      length(coalesce(selector.exclude_management_event_sources, [])) == 0
    ])
    error_message = "All management events, no exclusions; no data events in dev."
  }

  assert {
    condition     = aws_cloudtrail.audit.kms_key_id == aws_kms_key.logs.arn
    error_message = "The trail must be encrypted with the key, by the ARN that the bucket policy names."
  }

  assert {
    condition     = aws_cloudtrail.audit.cloud_watch_logs_group_arn == "${aws_cloudwatch_log_group.trail.arn}:*"
    error_message = "CloudTrail wants the log group's ARN to end with :*."
  }

  assert {
    condition     = aws_cloudtrail.audit.sns_topic_name == "sns-trail-delivery-dev"
    error_message = "The trail must notify the delivery topic."
  }
}

run "data_events_come_beside_management_events_and_leave_out_what_would_go_round" {
  variables {
    data_events         = ["AWS::S3::Object", "AWS::Lambda::Function"]
    access_logs_enabled = true
    replication_region  = "eu-west-1"
  }

  assert {
    condition = jsonencode([
      for selector in aws_cloudtrail.audit.advanced_event_selector : {
        for test in selector.field_selector :
        test.field => concat(coalesce(test.equals, []), coalesce(test.starts_with, []), coalesce(test.not_equals, []), coalesce(test.not_starts_with, []))
      }
      ]) == jsonencode([
      { eventCategory = ["Management"] },
      {
        eventCategory    = ["Data"]
        "resources.type" = ["AWS::S3::Object"]
        "resources.ARN"  = ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012/", "arn:aws:s3:::s3-access-logs-dev-123456789012/", "arn:aws:s3:::s3-cloudtrail-logs-replica-dev-123456789012/"]
      },
      {
        eventCategory    = ["Data"]
        "resources.type" = ["AWS::S3::Object"]
        "resources.ARN"  = ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012/"]
        readOnly         = ["false"]
        eventName        = ["PutObject"]
      },
      { eventCategory = ["Data"], "resources.type" = ["AWS::Lambda::Function"] },
    ])
    error_message = "All management events, all objects but those of logs, changes of log files, and all invocations."
  }

  assert {
    condition = jsonencode([
      for selector in aws_cloudtrail.audit.advanced_event_selector : [
        for test in selector.field_selector : test.field if length(coalesce(test.not_equals, [])) + length(coalesce(test.not_starts_with, [])) > 0
      ]
    ]) == jsonencode([[], ["resources.ARN"], ["eventName"], []])
    error_message = "The logs' buckets and deliveries must be left out, and nothing else."
  }

  assert {
    condition     = length(aws_cloudtrail.audit.event_selector) == 0
    error_message = "A trail has selectors of one kind."
  }
}

run "data_events_are_of_what_was_chosen" {
  variables {
    data_events = ["AWS::Lambda::Function"]
  }

  assert {
    condition     = [for selector in aws_cloudtrail.audit.advanced_event_selector : selector.name] == ["Management events", "Invocations of functions"]
    error_message = "Invocations alone were chosen."
  }
}

run "data_events_of_an_unknown_type" {
  command = plan

  variables {
    data_events = ["AWS::DynamoDB::Table"]
  }

  expect_failures = [var.data_events]
}

run "log_groups_are_kept_for_a_week_and_encrypted" {
  assert {
    condition     = [for group in [aws_cloudwatch_log_group.trail, aws_cloudwatch_log_group.function] : [group.name, group.retention_in_days, group.kms_key_id]] == [["/aws/cloudtrail/cloudtrail-audit-dev", 7, aws_kms_key.logs.arn], ["/aws/lambda/lambda-compliance-checker-dev", 7, aws_kms_key.logs.arn]]
    error_message = "Both log groups must have their names, seven days and the key."
  }
}

run "the_function_is_what_was_agreed" {
  assert {
    condition = (
      aws_lambda_function.compliance_checker.function_name == "lambda-compliance-checker-dev" &&
      aws_lambda_function.compliance_checker.runtime == "python3.11" &&
      aws_lambda_function.compliance_checker.timeout == 60 &&
      aws_lambda_function.compliance_checker.memory_size == 256 &&
      aws_lambda_function.compliance_checker.handler == "compliance_checker.handler.handler" &&
      aws_lambda_function.compliance_checker.reserved_concurrent_executions == -1
    )
    error_message = "Name, runtime, time-out, memory, handler or concurrency differ from what was agreed."
  }

  # The hash of an empty zip, known beforehand.
  assert {
    condition     = aws_lambda_function.compliance_checker.source_code_hash == "hznHbmgfkAkjuQDJ3w73XPQh05yrtUZQxLmtGbanbYU="
    error_message = "The package's hash must be declared, so that changed code is deployed."
  }

  assert {
    condition = aws_lambda_function.compliance_checker.environment[0].variables == tomap({
      ALERT_TOPIC_ARN       = "arn:aws:sns:ap-southeast-1:123456789012:sns-compliance-alerts-dev"
      DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letter.url
      ENVIRONMENT           = "dev"
      KEY_ARN               = aws_kms_key.logs.arn
      LEDGER_TABLE          = "dynamodb-alert-ledger-dev"
      LOG_LEVEL             = "INFO"
      METRIC_NAMESPACE      = "Trailwarden/ComplianceChecker"
      TRAIL_ARN             = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"
    })
    error_message = "The function's environment must be the agreed one."
  }

  assert {
    condition     = aws_lambda_function.compliance_checker.dead_letter_config[0].target_arn == aws_sqs_queue.dead_letter.arn && aws_lambda_function.compliance_checker.kms_key_arn == aws_kms_key.logs.arn
    error_message = "The function must have its dead-letter queue and encrypt its environment."
  }

  assert {
    condition = (
      aws_lambda_permission.trail_logs.principal == "logs.amazonaws.com" &&
      aws_lambda_permission.trail_logs.source_arn == "${aws_cloudwatch_log_group.trail.arn}:*" &&
      aws_lambda_permission.trail_logs.source_account == "123456789012"
    )
    error_message = "Only CloudWatch Logs, for the trail's log group of this account, may invoke the function."
  }

  assert {
    condition = (
      startswith(aws_cloudwatch_log_subscription_filter.compliance_checker.filter_pattern, "{ ($.userIdentity.type = \"Root\" ||") &&
      endswith(aws_cloudwatch_log_subscription_filter.compliance_checker.filter_pattern, "&& $.errorCode NOT EXISTS }") &&
      !strcontains(aws_cloudwatch_log_subscription_filter.compliance_checker.filter_pattern, "#") &&
      aws_cloudwatch_log_subscription_filter.compliance_checker.log_group_name == "/aws/cloudtrail/cloudtrail-audit-dev"
    )
    error_message = "The subscription filter must carry the pattern of subscription-filter-pattern.txt without its notes, on the trail's log group."
  }
}

run "a_package_that_was_not_built_is_refused" {
  command = plan

  variables {
    function_package = "tests/missing.zip"
  }

  expect_failures = [aws_lambda_function.compliance_checker]
}

run "a_topic_of_another_region_is_refused" {
  command = plan

  variables {
    existing_alert_topic_arn = "arn:aws:sns:eu-west-1:123456789012:security"
  }

  expect_failures = [aws_lambda_function.compliance_checker]
}

run "a_topic_of_another_account_is_refused" {
  command = plan

  variables {
    existing_alert_topic_arn = "arn:aws:sns:ap-southeast-1:210987654321:security"
  }

  expect_failures = [aws_lambda_function.compliance_checker]
}

run "a_key_without_its_topic_is_refused" {
  command = plan

  variables {
    existing_alert_topic_key_arn = "arn:aws:kms:ap-southeast-1:123456789012:key/99999999-2222-3333-4444-555555555555"
  }

  expect_failures = [aws_lambda_function.compliance_checker]
}

run "the_account_is_not_scanned_unless_asked_for" {
  assert {
    condition     = length(aws_cloudwatch_event_rule.account_scan) == 0 && length(aws_lambda_permission.account_scan) == 0
    error_message = "No schedule and no permission may exist for a scan that is off."
  }
}

run "the_account_is_scanned_when_asked_for" {
  variables {
    account_scan_enabled = true
    account_scan_checks  = ["trails", "security-groups"]
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.account_scan[0].name == "rule-account-scan-dev" &&
      aws_cloudwatch_event_rule.account_scan[0].schedule_expression == "rate(1 hour)" &&
      aws_cloudwatch_event_target.account_scan[0].arn == aws_lambda_function.compliance_checker.arn &&
      aws_lambda_permission.account_scan[0].principal == "events.amazonaws.com" &&
      aws_lambda_permission.account_scan[0].source_arn == aws_cloudwatch_event_rule.account_scan[0].arn &&
      aws_lambda_permission.account_scan[0].source_account == "123456789012"
    )
    error_message = "An hourly rule of this account, and nothing else, must start the scan."
  }

  assert {
    condition     = aws_lambda_function.compliance_checker.environment[0].variables.SCAN_CHECKS == "security-groups,trails"
    error_message = "The function must be told what to look at."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : statement.Sid => statement.Action
      if startswith(statement.Sid, "Scan")
      } == {
      ScanAccount = ["cloudtrail:DescribeTrails", "ec2:DescribeSecurityGroups"]
      ScanTrails  = ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"]
    }
    error_message = "Only the reads of the chosen checks may be allowed."
  }
}

run "an_unknown_check_is_refused" {
  command = plan

  variables {
    account_scan_checks = ["everything"]
  }

  expect_failures = [var.account_scan_checks]
}

run "a_broken_schedule_is_refused" {
  command = plan

  variables {
    account_scan_schedule = "hourly"
  }

  expect_failures = [var.account_scan_schedule]
}

run "nothing_is_remedied_unless_asked_for" {
  assert {
    condition = !anytrue([
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : startswith(statement.Sid, "Remedy")
    ]) && !contains(keys(aws_lambda_function.compliance_checker.environment[0].variables), "REMEDIATION_RULES")
    error_message = "Without a chosen rule the function may change nothing."
  }
}

run "a_dry_run_only_reads" {
  variables {
    remediation_rules = ["security-group-open-to-internet", "trail-stopped"]
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : statement.Sid => statement.Action
      if startswith(statement.Sid, "Remedy") || statement.Sid == "ReadSecurityGroupTags"
      } == {
      RemedyTrails          = ["cloudtrail:GetTrailStatus", "cloudtrail:ListTags"]
      ReadSecurityGroupTags = ["ec2:DescribeSecurityGroups"]
    }
    error_message = "A dry run may read what the chosen remedies look at, and change nothing."
  }

  assert {
    condition     = aws_lambda_function.compliance_checker.environment[0].variables.REMEDIATION_MODE == "dry-run"
    error_message = "Remedies begin as a dry run."
  }
}

run "an_applied_remedy_makes_its_one_call" {
  variables {
    remediation_rules = ["security-group-open-to-internet", "kms-key-rotation-disabled"]
    remediation_mode  = "apply"
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : statement.Sid => [statement.Action, statement.Resource]
      if startswith(statement.Sid, "Remedy")
      } == {
      RemedyKeys = [
        ["kms:EnableKeyRotation", "kms:GetKeyRotationStatus", "kms:ListResourceTags"],
        ["arn:aws:kms:*:123456789012:key/*"],
      ]
      RemedySecurityGroups = [
        ["ec2:RevokeSecurityGroupIngress"],
        ["arn:aws:ec2:*:123456789012:security-group/*", "arn:aws:ec2:*:123456789012:security-group-rule/*"],
      ]
    }
    error_message = "Each applied remedy may make its one call, on what EC2 and KMS ask the permission for, and no other."
  }
}

run "every_permission_at_once_fits_one_policy" {
  variables {
    account_scan_enabled = true
    remediation_rules = [
      "kms-key-rotation-disabled", "public-access-block-weakened", "security-group-open-to-internet",
      "security-group-rule-changed-to-internet", "trail-stopped", "trail-weakened",
    ]
    remediation_mode = "apply"
  }

  # AWS counts the characters of a managed policy without white space.
  assert {
    condition     = length(replace(aws_iam_policy.function.policy, "/\\s/", "")) <= 6144
    error_message = "A managed policy holds at most 6144 characters."
  }
}

run "a_rule_without_a_remedy_is_refused" {
  command = plan

  variables {
    remediation_rules = ["root-used"]
  }

  expect_failures = [var.remediation_rules]
}
