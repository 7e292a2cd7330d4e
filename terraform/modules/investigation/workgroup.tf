# Where queries are asked, and how: a client cannot choose another place for results, or another encryption.

resource "aws_athena_workgroup" "investigation" {
  name        = local.workgroup_name
  description = "Investigations in the audit trail's log files"

  # Its history of queries would keep it from being deleted.
  force_destroy = true

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.investigation_scan_limit_gigabytes * 1073741824

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location       = "s3://${aws_s3_bucket.results.bucket}/results/"
      expected_bucket_owner = local.account_id

      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }

  tags = { Name = local.workgroup_name }
}

locals {
  saved_queries = yamldecode(file("${path.module}/queries.yaml"))
}

resource "aws_athena_named_query" "saved" {
  for_each = local.saved_queries

  name        = each.key
  description = each.value.description
  workgroup   = aws_athena_workgroup.investigation.id
  database    = aws_glue_catalog_database.investigation.name
  query       = replace(each.value.query, "{table}", aws_glue_catalog_table.records.name)
}
