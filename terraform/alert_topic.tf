# Where alerts and alarms go. Who receives them is the organization's choice: alert_subscriptions.tf.

locals {
  create_alert_topic = var.existing_alert_topic_arn == null

  # The key that a publisher to the alert topic needs; none if an existing topic has none.
  alert_topic_key_arns = local.create_alert_topic ? [aws_kms_key.logs.arn] : compact([var.existing_alert_topic_key_arn])
}

resource "aws_sns_topic" "alerts" {
  count = local.create_alert_topic ? 1 : 0

  name              = local.alert_topic_name
  display_name      = "Compliance alerts ${var.environment}"
  kms_master_key_id = aws_kms_key.logs.arn
  signature_version = 2 # SHA-256; SNS signs with SHA-1 by default

  tags = { Name = local.alert_topic_name }
}

resource "aws_sns_topic_policy" "alerts" {
  count = local.create_alert_topic ? 1 : 0

  arn = aws_sns_topic.alerts[0].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Id      = local.alert_topic_name
    Statement = [
      {
        Sid       = "CloudWatchAlarmsPublish"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.alert_topic_arn
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account_id }
          ArnLike      = { "aws:SourceArn" = local.alarm_arn_pattern }
        }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.alert_topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
