data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix
  region     = data.aws_region.current.id # in provider 5 and 6 alike

  # Athena knows names of letters, digits and underscores alone without quotes.
  database_name = "investigation_${replace(var.environment, "-", "_")}"
  table_name    = "trail_records"

  workgroup_name     = "workgroup-investigation-${var.environment}"
  results_bucket     = "s3-investigation-results-${var.environment}-${local.account_id}"
  results_bucket_arn = "arn:${local.partition}:s3:::${local.results_bucket}"
}
