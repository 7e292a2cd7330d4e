# Where AWS Config delivers what it records. In a bucket of its own: into the log bucket nobody but CloudTrail may write, and Config
# delivers into no bucket that locks by default (https://docs.aws.amazon.com/config/latest/developerguide/manage-delivery-channel.html).
# What it holds is kept by its policy instead.

locals {
  # Everyone, or a principal that is not the break-glass role, where there is one.
  everyone_but_break_glass = { for role in var.break_glass_role_arns : "ArnNotLike" => { "aws:PrincipalArn" = role } }
  but_break_glass          = { for condition in [local.everyone_but_break_glass] : "Condition" => condition if length(condition) > 0 }

  config_history_policy = {
    Version = "2012-10-17"
    Id      = "config-history-${var.environment}"
    Statement = [
      {
        Sid       = "ConfigFindsBucket"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = ["s3:GetBucketAcl", "s3:ListBucket"]
        Resource  = local.config_history_arn
        Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
      },
      {
        # With the service-linked role AWS Config delivers as the service itself.
        Sid       = "ConfigDeliversHistory"
        Effect    = "Allow"
        Principal = { Service = "config.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = local.config_history_folder
        Condition = { StringEquals = { "s3:x-amz-acl" = "bucket-owner-full-control", "aws:SourceAccount" = local.account_id } }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.config_history_arn, "${local.config_history_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "DenyWritesByPeople"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = "${local.config_history_arn}/*"
        Condition = merge(local.everyone_but_break_glass, { Bool = { "aws:PrincipalIsAWSService" = "false" } })
      },
      merge({
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"]
        Resource  = "${local.config_history_arn}/*"
      }, local.but_break_glass),
      merge({
        Sid       = "DenyTampering"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"]
        Resource  = local.config_history_arn
      }, local.but_break_glass),
    ]
  }
}

resource "aws_s3_bucket" "config_history" {
  #checkov:skip=CKV_AWS_144:AWS Config keeps the same history itself for as long.
  count = local.config_count

  bucket        = local.config_history_bucket
  force_destroy = var.force_destroy

  tags = { Name = local.config_history_bucket }
}

resource "aws_s3_bucket_public_access_block" "config_history" {
  count = local.config_count

  bucket = aws_s3_bucket.config_history[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "config_history" {
  count = local.config_count

  bucket = aws_s3_bucket.config_history[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "config_history" {
  count = local.config_count

  bucket = aws_s3_bucket.config_history[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "config_history" {
  count = local.config_count

  bucket = aws_s3_bucket.config_history[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "config_history" {
  count = local.config_count

  bucket                                 = aws_s3_bucket.config_history[0].id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "keep-then-expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.config_retention_days
    }

    # What was deleted or overwritten on its first day is kept as long as the rest.
    noncurrent_version_expiration {
      noncurrent_days = var.config_retention_days
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

  depends_on = [aws_s3_bucket_versioning.config_history]
}

resource "aws_s3_bucket_logging" "config_history" {
  count = var.config_enabled ? length(var.access_log_bucket_names) : 0

  bucket        = aws_s3_bucket.config_history[0].id
  target_bucket = var.access_log_bucket_names[0]
  target_prefix = "${local.config_history_bucket}/"
}

resource "aws_s3_bucket_policy" "config_history" {
  count = local.config_count

  bucket = aws_s3_bucket.config_history[0].id
  policy = jsonencode(local.config_history_policy)

  # Created after, and so destroyed before, the settings that it forbids to change.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.config_history,
    aws_s3_bucket_ownership_controls.config_history,
    aws_s3_bucket_public_access_block.config_history,
    aws_s3_bucket_server_side_encryption_configuration.config_history,
    aws_s3_bucket_versioning.config_history,
  ]
}
