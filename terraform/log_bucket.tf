resource "aws_s3_bucket" "logs" {
  bucket        = local.log_bucket_name
  force_destroy = var.log_bucket_force_destroy

  object_lock_enabled = local.object_lock_days > 0

  tags = { Name = local.log_bucket_name }

  # Of a bucket that is there, the lock's own configuration turns Object Lock on (log_archive.tf). Left to the provider, a
  # changed variable would replace the bucket, with all that it holds; and S3 never turns the lock off again.
  lifecycle {
    ignore_changes = [object_lock_enabled]

    precondition {
      condition     = var.object_lock_days == null || var.object_lock_mode != null
      error_message = "object_lock_days is set without object_lock_mode: set the mode too (GOVERNANCE or COMPLIANCE), or leave both out."
    }

    precondition {
      condition     = local.object_lock_days <= var.log_retention_days
      error_message = "The files would be locked for ${local.object_lock_days} days and are to go after ${var.log_retention_days}: S3 keeps what is locked. Make object_lock_days at most log_retention_days, or leave it out."
    }
  }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket = aws_s3_bucket.logs.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id

  versioning_configuration {
    status = "Enabled"
  }
}

# The same key ARN as the trail and the bucket policy name: an alias, or another spelling, would not match there.
resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.logs.arn
    }
  }
}

locals {
  # Everyone, or a principal that is not the break-glass role, where there is one. Callers without aws:PrincipalArn
  # (services) match as well, because a negated operator is true for a missing key.
  everyone_but_break_glass = { for role in compact([local.break_glass_role_arn]) : "ArnNotLike" => { "aws:PrincipalArn" = role } }
  but_break_glass          = { for condition in [local.everyone_but_break_glass] : "Condition" => condition if length(condition) > 0 }

  # What takes a file away, or the lock off it; and what lets S3 do so.
  deletions = concat(
    ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"],
    local.object_lock_days > 0 ? ["s3:BypassGovernanceRetention", "s3:PutObjectLegalHold", "s3:PutObjectRetention"] : [],
  )
  tamperings = concat(
    ["s3:DeleteBucket", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration"],
    local.object_lock_days > 0 ? ["s3:PutBucketObjectLockConfiguration"] : [],
    var.access_logs_enabled ? ["s3:PutBucketLogging"] : [],
  )

  log_bucket_policy = {
    Version = "2012-10-17"
    Id      = "log-bucket-${var.environment}"
    Statement = concat([
      {
        Sid       = "AWSCloudTrailAclCheck"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = local.log_bucket_arn
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        # Covers log, digest and insight files. Limited to .../CloudTrail/* it would stop the digests without an error.
        Sid       = "AWSCloudTrailWrite"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${local.log_bucket_arn}/AWSLogs/${local.account_id}/*"
        Condition = {
          StringEquals = {
            "aws:SourceArn" = local.trail_arn
            "s3:x-amz-acl"  = "bucket-owner-full-control"
          }
        }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.log_bucket_arn, "${local.log_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Only a *stated* wrong algorithm is refused: without the Null test a request that leaves the choice to the bucket
        # would be refused too, since StringNotEquals is true for a missing key. AES256 stays allowed because CloudTrail
        # writes digest files with it.
        Sid       = "DenyWrongEncryptionAlgorithm"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.log_bucket_arn}/*"
        Condition = {
          Null            = { "s3:x-amz-server-side-encryption" = "false" }
          StringNotEquals = { "s3:x-amz-server-side-encryption" = ["aws:kms", "AES256"] }
        }
      },
      {
        Sid       = "DenyWrongEncryptionKey"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${local.log_bucket_arn}/*"
        Condition = {
          Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
          StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = aws_kms_key.logs.arn }
        }
      },
      {
        # Nobody but a service (of which CloudTrail alone is admitted) adds or overwrites a file: a forged log file is as bad
        # as a missing one.
        Sid       = "DenyWritesByPeople"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = "${local.log_bucket_arn}/*"
        Condition = merge(local.everyone_but_break_glass, { Bool = { "aws:PrincipalIsAWSService" = "false" } })
      },
      merge({
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = local.deletions
        Resource  = "${local.log_bucket_arn}/*"
      }, local.but_break_glass),
      merge({
        # The ways to lose logs without deleting one: a lifecycle rule that expires them, versioning suspended.
        # s3:PutBucketPolicy and s3:DeleteBucketPolicy are left out so that the deployer can change and destroy this policy;
        # it is destroyed before anything that it protects (see depends_on).
        Sid       = "DenyTampering"
        Effect    = "Deny"
        Principal = "*"
        Action    = local.tamperings
        Resource  = local.log_bucket_arn
      }, local.but_break_glass),
    ], local.log_bucket_reading_statements)
  }
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode(local.log_bucket_policy)

  # Created after, and so destroyed before, the settings that it forbids to change.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.logs,
    aws_s3_bucket_logging.logs,
    aws_s3_bucket_object_lock_configuration.logs,
    aws_s3_bucket_ownership_controls.logs,
    aws_s3_bucket_public_access_block.logs,
    aws_s3_bucket_replication_configuration.logs,
    aws_s3_bucket_server_side_encryption_configuration.logs,
    aws_s3_bucket_versioning.logs,
  ]
}
