# Where the agents of instances write each session's log once it ends. They do so in the instances' own roles, so that writing is left
# to IAM's policies; what was written, in whatever version, nobody deletes, marks or gives away.

locals {
  session_log_bucket     = "s3-session-logs-${var.environment}-${local.account_id}"
  session_log_bucket_arn = "arn:${local.partition}:s3:::${local.session_log_bucket}"

  session_logs_policy = {
    Version = "2012-10-17"
    Id      = "session-logs-${var.environment}"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.session_log_bucket_arn, "${local.session_log_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      merge({
        Sid       = "DenyAlteration"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = "${local.session_log_bucket_arn}/*"
      }, local.but_break_glass),
      merge({
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"]
        Resource  = "${local.session_log_bucket_arn}/*"
      }, local.but_break_glass),
      merge({
        Sid       = "DenyTampering"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"]
        Resource  = local.session_log_bucket_arn
      }, local.but_break_glass),
    ]
  }
}

resource "aws_s3_bucket" "session_logs" {
  #checkov:skip=CKV_AWS_144:The log group keeps the same for as long.
  count = local.session_count

  bucket        = local.session_log_bucket
  force_destroy = var.force_destroy

  tags = { Name = local.session_log_bucket }
}

resource "aws_s3_bucket_public_access_block" "session_logs" {
  count = local.session_count

  bucket = aws_s3_bucket.session_logs[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "session_logs" {
  count = local.session_count

  bucket = aws_s3_bucket.session_logs[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "session_logs" {
  count = local.session_count

  bucket = aws_s3_bucket.session_logs[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "session_logs" {
  count = local.session_count

  bucket = aws_s3_bucket.session_logs[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "session_logs" {
  count = local.session_count

  bucket                                 = aws_s3_bucket.session_logs[0].id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "keep-then-expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.session_log_retention_days
    }

    # What was deleted or overwritten on its first day is kept as long as the rest.
    noncurrent_version_expiration {
      noncurrent_days = var.session_log_retention_days
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

  depends_on = [aws_s3_bucket_versioning.session_logs]
}

resource "aws_s3_bucket_logging" "session_logs" {
  count = var.session_logging_enabled ? length(var.access_log_bucket_names) : 0

  bucket        = aws_s3_bucket.session_logs[0].id
  target_bucket = var.access_log_bucket_names[0]
  target_prefix = "${local.session_log_bucket}/"
}

resource "aws_s3_bucket_policy" "session_logs" {
  count = local.session_count

  bucket = aws_s3_bucket.session_logs[0].id
  policy = jsonencode(local.session_logs_policy)

  # Created after, and so destroyed before, the settings that it forbids to change.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.session_logs,
    aws_s3_bucket_ownership_controls.session_logs,
    aws_s3_bucket_public_access_block.session_logs,
    aws_s3_bucket_server_side_encryption_configuration.session_logs,
    aws_s3_bucket_versioning.session_logs,
  ]
}
