# One customer-managed key for everything that holds audit records: bucket, log groups, topics, dead-letter queue, alert
# ledger.
#
# Inside a key policy Resource "*" means this key. Who may use it within the account is left to IAM policies by the first
# statement, which AWS also needs to keep the key manageable; each service is then admitted for its one purpose.

locals {
  key_policy = {
    Version = "2012-10-17"
    Id      = "cloudtrail-logs-key-${var.environment}"
    Statement = concat([
      {
        Sid       = "AccountAdministersKey"
        Effect    = "Allow"
        Principal = { AWS = local.root_arn }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        # CloudTrail's context names the trail, and keeps the key from being used for anything but trail files.
        Sid       = "CloudTrailEncryptsLogFiles"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:GenerateDataKey*"
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceArn" = local.trail_arn }
          StringLike = {
            "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:${local.partition}:cloudtrail:*:${local.account_id}:trail/${local.trail_name}"
          }
        }
      },
      {
        Sid       = "CloudTrailDescribesKey"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:DescribeKey"
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        # Needed because the bucket uses an S3 Bucket Key, for which S3 decrypts the bucket-level key on CloudTrail's behalf.
        Sid       = "CloudTrailUsesBucketKey"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "kms:Decrypt"
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        # The regional principal: the global one is refused. The context is the group's ARN without the ":*" ending.
        Sid       = "CloudWatchLogsEncryptsLogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.${local.dns_suffix}" }
        Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = concat([local.trail_log_group_arn, local.function_log_group_arn], local.flow_log_group_arns, local.application_log_group_arns, local.session_log_group_arns, local.finding_log_group_arns)
          }
        }
      },
      {
        Sid       = "CloudWatchAlarmsPublishAlerts"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:GenerateDataKey*", "kms:Decrypt"]
        Resource  = "*"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.account_id }
          ArnLike      = { "aws:SourceArn" = local.alarm_arn_pattern }
        }
      },
      {
        # The topic's policy admits this trail alone.
        Sid       = "CloudTrailPublishesDeliveries"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = ["kms:GenerateDataKey*", "kms:Decrypt"]
        Resource  = "*"
        Condition = { StringEquals = { "kms:EncryptionContext:aws:sns:topicArn" = local.delivery_topic_arn } }
      },
    ], local.key_detection_statements, local.key_reading_statements)
  }
}

resource "aws_kms_key" "logs" {
  description             = "Audit logs of ${local.trail_name}: bucket, log groups, topics and dead-letter queue"
  enable_key_rotation     = true
  rotation_period_in_days = 365
  multi_region            = false # a replica would be a second key to the records, with a policy of its own
  deletion_window_in_days = var.key_deletion_window_days
  policy                  = jsonencode(local.key_policy)

  tags = { Name = "kms-cloudtrail-logs-${var.environment}" }
}

resource "aws_kms_alias" "logs" {
  name          = local.key_alias
  target_key_id = aws_kms_key.logs.key_id
}
