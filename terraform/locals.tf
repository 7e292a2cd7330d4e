data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix

  # `id` means the same in provider 5 and 6; `name` and `region` do not.
  region = data.aws_region.current.id

  root_arn = "arn:${local.partition}:iam::${local.account_id}:root"

  tags = merge(var.additional_tags, {
    Environment = var.environment
    Owner       = var.owner
    CostCenter  = var.cost_center
    Purpose     = "audit-logging"
    Compliance  = "HIPAA"
    Application = "trailwarden"
    ManagedBy   = "Terraform"
  })

  trail_name               = coalesce(var.trail_name, "cloudtrail-audit-${var.environment}")
  trail_log_group_name     = "/aws/cloudtrail/${local.trail_name}"
  log_bucket_name          = "s3-cloudtrail-logs-${var.environment}-${local.account_id}"
  access_log_bucket_name   = "s3-access-logs-${var.environment}-${local.account_id}"
  replica_bucket_name      = "s3-cloudtrail-logs-replica-${var.environment}-${local.account_id}"
  key_alias                = "alias/cloudtrail-logs-key-${var.environment}"
  function_name            = "lambda-compliance-checker-${var.environment}"
  function_log_group_name  = "/aws/lambda/${local.function_name}"
  flow_log_group_name      = "/aws/vpc/flow-logs-${var.environment}"
  alert_topic_name         = "sns-compliance-alerts-${var.environment}"
  delivery_topic_name      = "sns-trail-delivery-${var.environment}"
  delivery_queue_name      = "sqs-trail-delivery-${var.environment}"
  dead_letter_queue_name   = "sqs-compliance-checker-dlq-${var.environment}"
  ledger_table_name        = "dynamodb-alert-ledger-${var.environment}"
  subscription_filter_name = "subscription-compliance-checker-${var.environment}"

  verification_metric_namespace = "Trailwarden/Verification"

  # Policies name the trail, the bucket, the topics and the log groups, which in turn need the key and its policy. ARNs
  # built from names break that circle, and let resources be created side by side.
  trail_arn              = "arn:${local.partition}:cloudtrail:${local.region}:${local.account_id}:trail/${local.trail_name}"
  log_bucket_arn         = "arn:${local.partition}:s3:::${local.log_bucket_name}"
  access_log_bucket_arn  = "arn:${local.partition}:s3:::${local.access_log_bucket_name}"
  replica_bucket_arn     = "arn:${local.partition}:s3:::${local.replica_bucket_name}"
  trail_log_group_arn    = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${local.trail_log_group_name}"
  function_log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${local.function_log_group_name}"
  flow_log_group_arns    = [for name in var.flow_logs_enabled && local.network_made ? [local.flow_log_group_name] : [] : "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${name}"]
  function_arn           = "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${local.function_name}"
  rehearsal_arn          = "${local.function_arn}:rehearsal"
  ledger_table_arn       = "arn:${local.partition}:dynamodb:${local.region}:${local.account_id}:table/${local.ledger_table_name}"
  delivery_topic_arn     = "arn:${local.partition}:sns:${local.region}:${local.account_id}:${local.delivery_topic_name}"
  delivery_queue_arn     = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${local.delivery_queue_name}"
  dead_letter_queue_arn  = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${local.dead_letter_queue_name}"
  alert_topic_arn        = coalesce(var.existing_alert_topic_arn, "arn:${local.partition}:sns:${local.region}:${local.account_id}:${local.alert_topic_name}")
  alarm_arn_pattern      = "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm:*"
  mute_rule_arn_pattern  = "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm-mute-rule:*"
}
