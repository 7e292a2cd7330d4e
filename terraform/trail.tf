resource "aws_cloudwatch_log_group" "trail" {
  name              = local.trail_log_group_name
  retention_in_days = var.log_retention_days
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
  event_selector {
    read_write_type           = "All"
    include_management_events = true
  }

  tags = { Name = local.trail_name }

  # CreateTrail checks that it can write to the bucket, publish to the topic and use the role.
  depends_on = [
    aws_iam_role_policy_attachment.trail_logs,
    aws_s3_bucket_policy.logs,
    aws_sns_topic_policy.delivery,
  ]
}
