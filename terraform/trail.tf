resource "aws_cloudwatch_log_group" "trail" {
  name              = local.trail_log_group_name
  retention_in_days = coalesce(var.trail_log_group_retention_days, var.log_group_retention_days)
  kms_key_id        = aws_kms_key.logs.arn

  tags = { Name = local.trail_log_group_name }
}

resource "aws_cloudtrail" "audit" {
  name                          = local.trail_name
  s3_bucket_name                = aws_s3_bucket.logs.id
  kms_key_id                    = aws_kms_key.logs.arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  enable_logging                = true
  sns_topic_name                = aws_sns_topic.delivery.name

  # CloudTrail wants the ARN with the ending for log streams; without it the apply fails, though validate passes.
  cloud_watch_logs_group_arn = "${aws_cloudwatch_log_group.trail.arn}:*"
  cloud_watch_logs_role_arn  = aws_iam_role.trail_logs.arn

  # AWS's own default, stated so that a selector changed by hand is drift. No source is excluded: without KMS events a
  # disabled key would go unseen.
  dynamic "event_selector" {
    for_each = length(var.data_events) == 0 ? ["management"] : []

    content {
      read_write_type           = "All"
      include_management_events = true
    }
  }

  # Advanced selectors take the place of the one above, so that the management events must be among them.
  dynamic "advanced_event_selector" {
    for_each = [for selector in local.advanced_event_selectors : selector if length(var.data_events) > 0]

    content {
      name = advanced_event_selector.value.name

      dynamic "field_selector" {
        for_each = advanced_event_selector.value.fields

        content {
          field           = field_selector.key
          equals          = field_selector.value.equals
          starts_with     = field_selector.value.starts_with
          not_equals      = field_selector.value.not_equals
          not_starts_with = field_selector.value.not_starts_with
        }
      }
    }
  }

  tags = { Name = local.trail_name }

  # CreateTrail checks that it can write to the bucket, publish to the topic and use the role.
  depends_on = [
    aws_iam_role_policy_attachment.trail_logs,
    aws_s3_bucket_policy.logs,
    aws_sns_topic_policy.delivery,
  ]
}
