# Who asked the log bucket for what, by S3's own server access logs. They go into a bucket of their own: into the log bucket
# itself each delivery would be logged again, and S3 delivers neither into a locked bucket nor into one that encrypts with a
# customer's key.

locals {
  access_log_buckets = var.access_logs_enabled ? 1 : 0

  access_log_bucket_policy = {
    Version = "2012-10-17"
    Id      = "access-log-bucket-${var.environment}"
    Statement = [
      {
        Sid       = "S3WritesAccessLogs"
        Effect    = "Allow"
        Principal = { Service = "logging.s3.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.access_log_bucket_arn}/*"
        Condition = {
          ArnLike      = { "aws:SourceArn" = concat([local.log_bucket_arn], local.investigation_results_bucket_arns, local.config_history_bucket_arns, local.session_log_bucket_arns, local.reports_bucket_arns) }
          StringEquals = { "aws:SourceAccount" = local.account_id }
        }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.access_log_bucket_arn, "${local.access_log_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "DenyWritesByPeople"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = "${local.access_log_bucket_arn}/*"
        Condition = merge(local.everyone_but_break_glass, { Bool = { "aws:PrincipalIsAWSService" = "false" } })
      },
      merge({
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"]
        Resource  = "${local.access_log_bucket_arn}/*"
      }, local.but_break_glass),
      merge({
        Sid       = "DenyTampering"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"]
        Resource  = local.access_log_bucket_arn
      }, local.but_break_glass),
    ]
  }
}

resource "aws_s3_bucket" "access_logs" {
  #checkov:skip=CKV_AWS_144:Access logs are kept a year and copied nowhere; what they tell of is in the trail too.
  #checkov:skip=CKV_AWS_145:S3 delivers access logs to a bucket of SSE-S3 alone.
  count = local.access_log_buckets

  bucket        = local.access_log_bucket_name
  force_destroy = var.log_bucket_force_destroy

  tags = { Name = local.access_log_bucket_name }
}

resource "aws_s3_bucket_public_access_block" "access_logs" {
  count = local.access_log_buckets

  bucket = aws_s3_bucket.access_logs[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "access_logs" {
  count = local.access_log_buckets

  bucket = aws_s3_bucket.access_logs[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "access_logs" {
  count = local.access_log_buckets

  bucket = aws_s3_bucket.access_logs[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

# S3's own keys: with a customer's, S3 delivers nothing, and says nothing.
resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs" {
  count = local.access_log_buckets

  bucket = aws_s3_bucket.access_logs[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs" {
  count = local.access_log_buckets

  bucket                                 = aws_s3_bucket.access_logs[0].id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "keep-then-expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.access_log_retention_days
    }

    # What was deleted or overwritten on its first day is kept as long as the rest.
    noncurrent_version_expiration {
      noncurrent_days = var.access_log_retention_days
    }
  }

  rule {
    id     = "clean-up"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.access_logs]
}

resource "aws_s3_bucket_policy" "access_logs" {
  count = local.access_log_buckets

  bucket = aws_s3_bucket.access_logs[0].id
  policy = jsonencode(local.access_log_bucket_policy)

  # Created after, and so destroyed before, the settings that it forbids to change.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.access_logs,
    aws_s3_bucket_ownership_controls.access_logs,
    aws_s3_bucket_public_access_block.access_logs,
    aws_s3_bucket_server_side_encryption_configuration.access_logs,
    aws_s3_bucket_versioning.access_logs,
  ]
}

resource "aws_s3_bucket_logging" "logs" {
  count = local.access_log_buckets

  bucket        = aws_s3_bucket.logs.id
  target_bucket = aws_s3_bucket.access_logs[0].id
  target_prefix = "${local.log_bucket_name}/"

  # By the policy S3 may deliver.
  depends_on = [aws_s3_bucket_policy.access_logs]
}
