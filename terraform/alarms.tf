# Three kinds of alarm: the trail has stopped delivering, the function does not do its work, and somebody did something that
# should be looked at. All notify the alert topic, and are made once it lets them.

locals {
  activity_metric_namespace = "Trailwarden/AuditTrail"

  # AWS/CloudTrail holds no metric of a trail. What CloudTrail delivers is counted where it arrives: the notifications of
  # its topic (one a log file) and the events of its log group. Four quarters of an hour, because one empty quarter is
  # ordinary in a quiet account. Both have data only when something arrives. CloudWatch looks further back than four
  # quarters for data that are missing, how far it does not say, and would ring that much later: they are filled. What
  # never had any data may remain empty, so that missing data must breach as well.
  delivery_alarms = {
    "trail-delivery" = {
      description = "CloudTrail has delivered no log file for 60 minutes: it was stopped, or cannot write to the bucket or notify the topic."
      namespace   = "AWS/SNS"
      metric_name = "NumberOfNotificationsDelivered"
      dimensions  = { TopicName = local.delivery_topic_name }
    }
    "log-delivery" = {
      description = "No CloudTrail event has reached the trail's log group for 60 minutes: it was stopped, or may not write to the group."
      namespace   = "AWS/Logs"
      metric_name = "IncomingLogEvents"
      dimensions  = { LogGroupName = local.trail_log_group_name }
    }
  }

  # These have no data while the function is idle or the queue is empty, which is fine.
  function_alarms = {
    "function-errors" = {
      description = "The compliance function failed: records may be waiting for a retry or in the dead-letter queue."
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      dimensions  = { FunctionName = local.function_name }
      statistic   = "Sum"
      threshold   = 1
    }
    "function-throttles" = {
      description = "Lambda throttled the compliance function: alerts are late. Raise its concurrency."
      namespace   = "AWS/Lambda"
      metric_name = "Throttles"
      dimensions  = { FunctionName = local.function_name }
      statistic   = "Sum"
      threshold   = 1
    }
    "function-duration" = {
      description = "The compliance function used more than 80 percent of its time-out: soon records will be lost to the dead-letter queue."
      namespace   = "AWS/Lambda"
      metric_name = "Duration"
      dimensions  = { FunctionName = local.function_name }
      statistic   = "Maximum"
      threshold   = var.function_timeout_seconds * 1000 * 0.8
    }
    "dead-letter-queue-depth" = {
      description = "The dead-letter queue holds records that the compliance function could not process: nobody was alerted of them."
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.dead_letter_queue_name }
      statistic   = "Maximum"
      threshold   = 1
    }
  }

  # After the CIS AWS Foundations Benchmark, section on monitoring (4.x; 5.x from version 6), with the calls that it leaves
  # out: rules changed in place, default policy versions, boundaries, trust policies, and the trail's selectors.
  activity_patterns = {
    "security-group-changes" = {
      description = "A security group or its rules were changed."
      pattern     = "{ ($.eventName = AuthorizeSecurityGroupIngress) || ($.eventName = AuthorizeSecurityGroupEgress) || ($.eventName = RevokeSecurityGroupIngress) || ($.eventName = RevokeSecurityGroupEgress) || ($.eventName = CreateSecurityGroup) || ($.eventName = DeleteSecurityGroup) || ($.eventName = ModifySecurityGroupRules) }"
    }
    "iam-policy-changes" = {
      description = "An IAM policy, its attachment, a boundary or a role's trust was changed."
      pattern = "{ ${join(" || ", [
        for name in [
          "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy",
          "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "AttachRolePolicy", "DetachRolePolicy",
          "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy", "SetDefaultPolicyVersion",
          "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
          "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary",
        ] : "($.eventName = ${name})"
      ])} }"
    }
    "root-account-use" = {
      description = "The account's root user did something."
      pattern     = "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }"
    }
    "cloudtrail-changes" = {
      description = "A trail, its selectors or its logging were changed."
      pattern     = "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) || ($.eventName = PutEventSelectors) || ($.eventName = PutInsightSelectors) }"
    }
  }

  activity_alarms = { for purpose, alarm in local.activity_patterns : purpose => alarm if contains(var.activity_alarms, purpose) }
}

resource "aws_cloudwatch_metric_alarm" "delivery" {
  for_each = local.delivery_alarms

  alarm_name          = "alarm-${each.key}-${var.environment}"
  alarm_description   = each.value.description
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 4
  treat_missing_data  = "breaching"
  actions_enabled     = true
  alarm_actions       = [local.alert_topic_arn]
  ok_actions          = [local.alert_topic_arn]

  metric_query {
    id          = "filled"
    label       = "Arrived in a quarter of an hour"
    expression  = "FILL(arrived, 0)"
    return_data = true
  }

  metric_query {
    id          = "arrived"
    return_data = false

    metric {
      namespace   = each.value.namespace
      metric_name = each.value.metric_name
      dimensions  = each.value.dimensions
      stat        = "Sum"
      period      = 900
    }
  }

  tags = { Name = "alarm-${each.key}-${var.environment}" }

  depends_on = [aws_sns_topic_policy.alerts]
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.function_alarms

  alarm_name          = "alarm-${each.key}-${var.environment}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric_name
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  actions_enabled     = true
  alarm_actions       = [local.alert_topic_arn]
  ok_actions          = [local.alert_topic_arn]

  tags = { Name = "alarm-${each.key}-${var.environment}" }

  depends_on = [aws_sns_topic_policy.alerts]
}

# "No invocation although events arrived." Windows slide by the minute, so an event may be the newest of one and its
# invocation the first of the next: two periods in a row must breach. A period does if it has events and no invocation
# (events flow, and nothing answers), or if until its end there have been events and no invocation (a lone event stays
# unanswered). "a > b" of two truths is "a and not b", and holds where b has no data at all. The events are counted by a
# metric filter with the subscription filter's own pattern, not by the subscription's metrics: those fall silent with the
# subscription, which is the case to be found.
resource "aws_cloudwatch_log_metric_filter" "relevant_events" {
  name           = "metric-filter-relevant-events-${var.environment}"
  log_group_name = aws_cloudwatch_log_group.trail.name
  pattern        = local.subscription_filter_pattern

  metric_transformation {
    namespace     = local.activity_metric_namespace
    name          = "relevant-events-${var.environment}"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "function_not_invoked" {
  alarm_name          = "alarm-function-not-invoked-${var.environment}"
  alarm_description   = "Events that the compliance function should judge have arrived, and for 10 minutes it was not invoked: the subscription filter or the permission to invoke is gone."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  actions_enabled     = true
  alarm_actions       = [local.alert_topic_arn]
  ok_actions          = [local.alert_topic_arn]

  # Five minutes: an event's invocation follows within seconds as a rule, three minutes at worst.
  metric_query {
    id          = "not_invoked"
    label       = "Relevant events without any invocation"
    expression  = "((events > 0) > (invocations > 0)) OR ((RUNNING_SUM(FILL(events, 0)) > 0) > (RUNNING_SUM(FILL(invocations, 0)) > 0))"
    return_data = true
  }

  metric_query {
    id          = "events"
    return_data = false

    metric {
      namespace   = local.activity_metric_namespace
      metric_name = aws_cloudwatch_log_metric_filter.relevant_events.metric_transformation[0].name
      stat        = "Sum"
      period      = 300
    }
  }

  metric_query {
    id          = "invocations"
    return_data = false

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = { FunctionName = local.function_name }
      stat        = "Sum"
      period      = 300
    }
  }

  tags = { Name = "alarm-function-not-invoked-${var.environment}" }

  depends_on = [aws_sns_topic_policy.alerts]
}

resource "aws_cloudwatch_log_metric_filter" "activity" {
  for_each = local.activity_alarms

  name           = "metric-filter-${each.key}-${var.environment}"
  log_group_name = aws_cloudwatch_log_group.trail.name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.activity_metric_namespace
    name          = "${each.key}-${var.environment}"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "activity" {
  for_each = local.activity_alarms

  alarm_name          = "alarm-${each.key}-${var.environment}"
  alarm_description   = each.value.description
  namespace           = local.activity_metric_namespace
  metric_name         = aws_cloudwatch_log_metric_filter.activity[each.key].metric_transformation[0].name
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  actions_enabled     = true
  alarm_actions       = [local.alert_topic_arn]

  tags = { Name = "alarm-${each.key}-${var.environment}" }

  depends_on = [aws_sns_topic_policy.alerts]
}

locals {
  alarms = merge(
    { for purpose, alarm in aws_cloudwatch_metric_alarm.delivery : purpose => alarm },
    { for purpose, alarm in aws_cloudwatch_metric_alarm.function : purpose => alarm },
    { "function-not-invoked" = aws_cloudwatch_metric_alarm.function_not_invoked },
    { for purpose, alarm in aws_cloudwatch_metric_alarm.activity : purpose => alarm },
  )
}
