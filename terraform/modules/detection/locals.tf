data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix

  # `id` means the same in provider 5 and 6; `name` and `region` do not.
  region = data.aws_region.current.id

  config_count           = var.config_enabled ? 1 : 0
  config_history_bucket  = "s3-config-history-${var.environment}-${local.account_id}"
  config_history_arn     = "arn:${local.partition}:s3:::${local.config_history_bucket}"
  config_history_folder  = "${local.config_history_arn}/AWSLogs/${local.account_id}/Config/*"
  config_role_arn        = "arn:${local.partition}:iam::${local.account_id}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
  config_rule_parameters = { log_bucket_name = var.log_bucket_name }
}
