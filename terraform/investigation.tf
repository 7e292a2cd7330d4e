# The trail's files asked by SQL (modules/investigation), for what is older than the event history of CloudTrail and for what that
# does not record.

module "investigation" {
  source = "./modules/investigation"
  count  = var.investigation_enabled ? 1 : 0

  environment        = var.environment
  log_bucket_name    = aws_s3_bucket.logs.bucket
  log_retention_days = var.log_retention_days
  organization_id    = null
  account_ids        = [local.account_id]
  regions            = tolist(data.aws_regions.all[0].names)
  kms_key_arn        = aws_kms_key.logs.arn

  result_reader_arns      = [local.investigation_role_arn]
  access_log_bucket_names = aws_s3_bucket_policy.access_logs[*].bucket # by the policy S3 may deliver

  investigation_results_days         = var.investigation_results_days
  investigation_scan_limit_gigabytes = var.investigation_scan_limit_gigabytes
}

# Built from the name: the policy of the bucket of access logs comes before the bucket.
locals {
  investigation_results_bucket_arns = [for made in [var.investigation_enabled] : "arn:${local.partition}:s3:::s3-investigation-results-${var.environment}-${local.account_id}" if made]
}

# Those that the account has not opted in to as well: once it has, the trail records them, and the table knows them.
data "aws_regions" "all" {
  count = var.investigation_enabled ? 1 : 0

  all_regions = true
}

resource "aws_iam_policy" "investigation_queries" {
  count = length(module.investigation)

  name        = "policy-investigation-queries-${var.environment}"
  description = "Ask the audit trail's log files by SQL, and see the results"
  policy      = jsonencode({ Version = "2012-10-17", Statement = one(module.investigation[*].query_statements) })

  tags = { Name = "policy-investigation-queries-${var.environment}" }

  lifecycle {
    precondition {
      condition     = var.access_roles_enabled
      error_message = "investigation_enabled needs access_roles_enabled: what a query finds is read by the investigation role alone, which there is not."
    }
  }
}

# --- Verification ----------------------------------------------------------------------------------------------------

resource "aws_iam_policy" "verifier_investigation" {
  count = length(module.investigation)

  name        = "policy-verifier-investigation-${var.environment}"
  description = "See what the audit trail's log files are asked by"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadWorkgroup"
        Effect   = "Allow"
        Action   = ["athena:GetNamedQuery", "athena:GetWorkGroup", "athena:ListNamedQueries", "athena:ListTagsForResource"]
        Resource = module.investigation[*].workgroup_arn
      },
      {
        Sid      = "ReadTable"
        Effect   = "Allow"
        Action   = ["glue:GetTable", "glue:GetTags"]
        Resource = flatten(module.investigation[*].catalog_arns)
      },
    ]
  })

  tags = { Name = "policy-verifier-investigation-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_investigation" {
  count = length(aws_iam_policy.verifier_investigation)

  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_investigation[0].arn
}
