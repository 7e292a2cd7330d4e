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
  # out: rules changed in place, default policy versions, boundaries, trust policies, the trail's selectors, and what S3
  # calls by other names than IAM does. Its pattern for unauthorized calls matches nearly every event as it is printed. A
  # federated sign-in says nothing of a second factor, which is its identity provider's to ask for.
  activity_calls = {
    "security-group-changes" = {
      description = "A security group or its rules were changed."
      calls = [
        "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup", "ModifySecurityGroupRules",
      ]
    }
    "network-acl-changes" = {
      description = "A network ACL, an entry of it, or which subnets it is for was changed."
      calls = [
        "CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry",
        "ReplaceNetworkAclAssociation",
      ]
    }
    "gateway-changes" = {
      description = "A way out of or into the network was made, removed, or attached to it."
      calls = [
        "CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway",
        "DeleteInternetGateway", "DetachInternetGateway", "CreateNatGateway", "DeleteNatGateway",
        "CreateEgressOnlyInternetGateway", "DeleteEgressOnlyInternetGateway", "AttachVpnGateway", "DetachVpnGateway",
      ]
    }
    "route-table-changes" = {
      description = "A route, a route table, or which subnets it is for was changed."
      calls = [
        "CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "AssociateRouteTable",
        "DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable",
      ]
    }
    "vpc-changes" = {
      description = "A VPC, an attribute of it, or a peering was changed."
      calls = [
        "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection",
        "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection", "ModifyVpcPeeringConnectionOptions",
      ]
    }
    "iam-policy-changes" = {
      description = "An IAM policy, its attachment, a boundary or a role's trust was changed."
      calls = [
        "DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy",
        "CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "AttachRolePolicy", "DetachRolePolicy",
        "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy", "SetDefaultPolicyVersion",
        "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
        "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary",
      ]
    }
    "cloudtrail-changes" = {
      description = "A trail, its selectors or its logging were changed."
      calls = [
        "CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging", "PutEventSelectors", "PutInsightSelectors",
      ]
    }
    "key-removals" = {
      description = "A key was disabled, or its deletion scheduled."
      calls       = ["DisableKey", "ScheduleKeyDeletion", "DeleteImportedKeyMaterial"]
    }
    "bucket-policy-changes" = {
      description = "Who may use a bucket, or how long it keeps objects, was changed."
      calls = [
        "PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication", "DeleteBucketPolicy",
        "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication", "PutBucketPublicAccessBlock",
        "DeleteBucketPublicAccessBlock",
      ]
    }
    "config-changes" = {
      description = "What AWS Config records, or where it delivers it, was changed."
      calls = [
        "StopConfigurationRecorder", "DeleteConfigurationRecorder", "PutConfigurationRecorder", "DeleteDeliveryChannel",
        "PutDeliveryChannel",
      ]
    }
  }

  activity_patterns = merge(
    { for purpose, alarm in local.activity_calls : purpose => {
      description = alarm.description
      threshold   = 1
      pattern     = "{ ${join(" || ", [for name in alarm.calls : "($.eventName = ${name})"])} }"
    } },
    {
      "root-account-use" = {
        description = "The account's root user did something."
        threshold   = 1
        pattern     = "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }"
      }
      "unauthorized-calls" = {
        description = "Somebody was refused what they tried."
        threshold   = 1
        pattern     = "{ (($.errorCode = \"*UnauthorizedOperation\") || ($.errorCode = \"AccessDenied*\")) && ($.sourceIPAddress != \"delivery.logs.amazonaws.com\") && ($.eventName != \"HeadBucket\") }"
      }
      "sign-ins-without-mfa" = {
        description = "A user signed in to the console without a second factor."
        threshold   = 1
        pattern     = "{ ($.eventName = \"ConsoleLogin\") && ($.additionalEventData.MFAUsed != \"Yes\") && ($.userIdentity.type = \"IAMUser\") && ($.responseElements.ConsoleLogin = \"Success\") }"
      }
      "failed-sign-ins" = {
        description = "More than five sign-ins to the console failed within five minutes."
        threshold   = 6
        pattern     = "{ ($.eventName = ConsoleLogin) && ($.errorMessage = \"Failed authentication\") }"
      }
    },
  )

  activity_alarms = merge(
    { for purpose, alarm in local.activity_patterns : purpose => alarm if contains(var.activity_alarms, purpose) },
    local.break_glass_patterns,
  )
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

locals {
  not_invoked_metrics = {
    events = {
      namespace   = local.activity_metric_namespace
      metric_name = aws_cloudwatch_log_metric_filter.relevant_events.metric_transformation[0].name
      dimensions  = {}
    }
    invocations = {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = { FunctionName = local.function_name }
    }
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

  dynamic "metric_query" {
    for_each = local.not_invoked_metrics

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric_name
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 300
      }
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
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  actions_enabled     = true
  alarm_actions       = [local.alert_topic_arn]

  tags = { Name = "alarm-${each.key}-${var.environment}" }

  depends_on = [aws_sns_topic_policy.alerts]
}

# How often the log bucket is asked, for whatever, against what is usual at that hour of that day, which CloudWatch learns. All
# requests: those of CloudTrail come the whole day, so that there is a model before anybody reads, and S3 publishes nothing
# of a period without any. Three standard deviations: of two, CloudWatch's own default, one ordinary period in fifty is above.
resource "aws_s3_bucket_metric" "logs" {
  count = var.unusual_access_alarm_enabled ? 1 : 0

  bucket = aws_s3_bucket.logs.id
  name   = "all-requests"
}

locals {
  unusual_access_band = "ANOMALY_DETECTION_BAND(requests, 3)"
  unusual_access_metrics = [for counted in aws_s3_bucket_metric.logs : {
    namespace   = "AWS/S3"
    metric_name = "AllRequests"
    dimensions  = { BucketName = counted.bucket, FilterId = counted.name }
  }]
}

resource "aws_cloudwatch_metric_alarm" "unusual_access" {
  count = var.unusual_access_alarm_enabled ? 1 : 0

  alarm_name          = "alarm-unusual-access-${var.environment}"
  alarm_description   = "The log bucket is asked far more often than is usual at this time: somebody may be copying the logs."
  comparison_operator = "GreaterThanUpperThreshold"
  threshold_metric_id = "usual"
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  actions_enabled     = true
  alarm_actions       = [local.alert_topic_arn]
  ok_actions          = [local.alert_topic_arn]

  metric_query {
    id          = "usual"
    label       = "Usual at this time"
    expression  = local.unusual_access_band
    return_data = true
  }

  metric_query {
    id          = "requests"
    return_data = true

    metric {
      namespace   = local.unusual_access_metrics[0].namespace
      metric_name = local.unusual_access_metrics[0].metric_name
      dimensions  = local.unusual_access_metrics[0].dimensions
      stat        = "Sum"
      period      = 300
    }
  }

  tags = { Name = "alarm-unusual-access-${var.environment}" }

  depends_on = [aws_sns_topic_policy.alerts]
}

locals {
  alarms = merge(
    { for purpose, alarm in aws_cloudwatch_metric_alarm.delivery : purpose => alarm },
    { for purpose, alarm in aws_cloudwatch_metric_alarm.function : purpose => alarm },
    { "function-not-invoked" = aws_cloudwatch_metric_alarm.function_not_invoked },
    { for purpose, alarm in aws_cloudwatch_metric_alarm.activity : purpose => alarm },
    { for alarm in aws_cloudwatch_metric_alarm.unusual_access : "unusual-access" => alarm },
  )
}
