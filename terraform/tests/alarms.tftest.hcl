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

run "every_alarm_notifies_the_alert_topic" {
  assert {
    condition = toset(keys(output.alarm_names)) == toset([
      "trail-delivery", "log-delivery",
      "function-errors", "function-throttles", "function-duration", "dead-letter-queue-depth", "function-not-invoked",
      "security-group-changes", "iam-policy-changes", "root-account-use", "cloudtrail-changes",
    ])
    error_message = "An alarm is missing, or there is one too many."
  }

  assert {
    condition     = alltrue([for purpose, name in output.alarm_names : name == "alarm-${purpose}-dev"])
    error_message = "An alarm must be named alarm-<purpose>-<environment>."
  }

  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.delivery), values(aws_cloudwatch_metric_alarm.function),
        values(aws_cloudwatch_metric_alarm.activity), [aws_cloudwatch_metric_alarm.function_not_invoked],
      ) : alarm.actions_enabled && alarm.alarm_actions == toset(["arn:aws:sns:ap-southeast-1:123456789012:sns-compliance-alerts-dev"])
    ])
    error_message = "Every alarm must have its actions enabled and notify the alert topic."
  }
}

run "silence_is_an_alarm_after_an_hour" {
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.delivery :
      alarm.treat_missing_data == "breaching" && alarm.comparison_operator == "LessThanThreshold" && alarm.threshold == 1 &&
      alltrue([
        for query in alarm.metric_query :
        query.return_data ? query.expression == "FILL(arrived, 0)" : query.metric[0].stat == "Sum" && query.metric[0].period * alarm.evaluation_periods == 3600
      ])
    ])
    error_message = "No data for 60 minutes must breach."
  }

  assert {
    condition = {
      for purpose, alarm in aws_cloudwatch_metric_alarm.delivery : purpose => one([
        for query in alarm.metric_query : [query.metric[0].namespace, query.metric[0].metric_name, query.metric[0].dimensions] if !query.return_data
      ])
      } == {
      "trail-delivery" = ["AWS/SNS", "NumberOfNotificationsDelivered", tomap({ TopicName = "sns-trail-delivery-dev" })]
      "log-delivery"   = ["AWS/Logs", "IncomingLogEvents", tomap({ LogGroupName = "/aws/cloudtrail/cloudtrail-audit-dev" })]
    }
    error_message = "Delivery must be counted where AWS counts it: trails publish no metric of their own."
  }
}

run "the_function_is_watched" {
  assert {
    condition = {
      for purpose, alarm in aws_cloudwatch_metric_alarm.function :
      purpose => [alarm.namespace, alarm.metric_name, alarm.dimensions, alarm.statistic, alarm.threshold, alarm.treat_missing_data]
      } == {
      "function-errors"         = ["AWS/Lambda", "Errors", tomap({ FunctionName = "lambda-compliance-checker-dev" }), "Sum", 1, "notBreaching"]
      "function-throttles"      = ["AWS/Lambda", "Throttles", tomap({ FunctionName = "lambda-compliance-checker-dev" }), "Sum", 1, "notBreaching"]
      "function-duration"       = ["AWS/Lambda", "Duration", tomap({ FunctionName = "lambda-compliance-checker-dev" }), "Maximum", 48000, "notBreaching"]
      "dead-letter-queue-depth" = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", tomap({ QueueName = "sqs-compliance-checker-dlq-dev" }), "Maximum", 1, "notBreaching"]
    }
    error_message = "Errors, throttles, duration and the dead-letter queue must be watched."
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.relevant_events.pattern == aws_cloudwatch_log_subscription_filter.compliance_checker.filter_pattern
    error_message = "The events that should invoke the function must be counted with the subscription's own pattern."
  }

  assert {
    condition = [
      for query in aws_cloudwatch_metric_alarm.function_not_invoked.metric_query : query.expression if query.return_data
    ] == ["((events > 0) > (invocations > 0)) OR ((RUNNING_SUM(FILL(events, 0)) > 0) > (RUNNING_SUM(FILL(invocations, 0)) > 0))"]
    error_message = "Events without an invocation must breach."
  }

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.function_not_invoked.metric_query :
      query.id => [query.metric[0].namespace, query.metric[0].metric_name] if !query.return_data
      } == {
      events      = ["Trailwarden/AuditTrail", "relevant-events-dev"]
      invocations = ["AWS/Lambda", "Invocations"]
    }
    error_message = "The alarm must compare the counted events with the function's invocations."
  }
}

run "each_activity_alarm_reads_its_filter" {
  assert {
    condition = alltrue([
      for purpose, alarm in aws_cloudwatch_metric_alarm.activity :
      alarm.namespace == aws_cloudwatch_log_metric_filter.activity[purpose].metric_transformation[0].namespace &&
      alarm.metric_name == aws_cloudwatch_log_metric_filter.activity[purpose].metric_transformation[0].name &&
      aws_cloudwatch_log_metric_filter.activity[purpose].log_group_name == "/aws/cloudtrail/cloudtrail-audit-dev"
    ])
    error_message = "An alarm on another metric than its filter's never fires."
  }

  assert {
    condition     = alltrue([for metric_filter in aws_cloudwatch_log_metric_filter.activity : length(metric_filter.pattern) <= 1024])
    error_message = "CloudWatch Logs takes patterns of at most 1024 characters."
  }

  assert {
    condition = alltrue([
      for name in ["AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules"] : strcontains(aws_cloudwatch_log_metric_filter.activity["security-group-changes"].pattern, "($.eventName = ${name})")
      ]) && alltrue([
      for name in ["StopLogging", "PutEventSelectors"] : strcontains(aws_cloudwatch_log_metric_filter.activity["cloudtrail-changes"].pattern, "($.eventName = ${name})")
      ]) && alltrue([
      for name in ["AttachRolePolicy", "SetDefaultPolicyVersion"] : strcontains(aws_cloudwatch_log_metric_filter.activity["iam-policy-changes"].pattern, "($.eventName = ${name})")
    ])
    error_message = "A call that must be noticed is missing from its pattern."
  }
}

run "activity_alarms_can_be_chosen" {
  variables {
    activity_alarms = ["root-account-use"]
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.activity) == ["root-account-use"] && keys(aws_cloudwatch_log_metric_filter.activity) == ["root-account-use"]
    error_message = "Only the chosen activity may have a filter and an alarm."
  }
}

run "without_being_asked_for_nothing_counts_requests" {
  assert {
    condition     = length(aws_s3_bucket_metric.logs) == 0 && length(aws_cloudwatch_metric_alarm.unusual_access) == 0
    error_message = "The alarm on unusual access is on without being asked for."
  }
}

run "unusual_access_is_held_against_what_is_usual" {
  variables {
    unusual_access_alarm_enabled = true
  }

  assert {
    condition     = output.alarm_names["unusual-access"] == "alarm-unusual-access-dev" && length(aws_s3_bucket_metric.logs[0].filter) == 0
    error_message = "The requests to the whole bucket must be counted, and the alarm be named."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.unusual_access[0].comparison_operator == "GreaterThanUpperThreshold" &&
      aws_cloudwatch_metric_alarm.unusual_access[0].alarm_actions == toset(["arn:aws:sns:ap-southeast-1:123456789012:sns-compliance-alerts-dev"]) &&
      anytrue([
        for query in aws_cloudwatch_metric_alarm.unusual_access[0].metric_query :
        query.id == aws_cloudwatch_metric_alarm.unusual_access[0].threshold_metric_id && query.expression == "ANOMALY_DETECTION_BAND(requests, 3)"
      ]) &&
      one([
        for query in aws_cloudwatch_metric_alarm.unusual_access[0].metric_query :
        query.return_data && query.metric[0].namespace == "AWS/S3" && query.metric[0].metric_name == "AllRequests" && query.metric[0].stat == "Sum" &&
        query.metric[0].dimensions["FilterId"] == aws_s3_bucket_metric.logs[0].name if query.id == "requests"
      ])
    )
    error_message = "The alarm must ring at more requests than the band of its own metric has."
  }
}
