mock_provider "aws" {
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
    condition     = aws_cloudwatch_log_subscription_filter.compliance_checker.filter_pattern == trimspace(file("${path.module}/subscription-filter-pattern.txt")) && aws_cloudwatch_log_subscription_filter.compliance_checker.log_group_name == "/aws/cloudtrail/cloudtrail-audit-dev"
    error_message = "The subscription filter must carry the generated pattern, on the trail's log group."
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

run "a_key_without_its_topic_is_refused" {
  command = plan

  variables {
    existing_alert_topic_key_arn = "arn:aws:kms:ap-southeast-1:123456789012:key/99999999-2222-3333-4444-555555555555"
  }

  expect_failures = [aws_lambda_function.compliance_checker]
}
