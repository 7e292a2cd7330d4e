# A copy of every log file in another region, by S3's own replication: into a bucket with a key and a lock of its own. What is
# deleted here stays there: neither delete markers nor deletions of versions are copied.

locals {
  replicas = var.replication_region == null ? 0 : 1

  replication_role = "role-log-replication-${var.environment}"

  # Built from the name, since the bucket's policy names the role and the role's policy names the bucket.
  replication_role_arn = "arn:${local.partition}:iam::${local.account_id}:role/${local.replication_role}"

  replica_bucket_policy = {
    Version = "2012-10-17"
    Id      = "replica-bucket-${var.environment}"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.replica_bucket_arn, "${local.replica_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      merge({
        # Replication writes by actions of its own.
        Sid       = "DenyWritesByPeople"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = "${local.replica_bucket_arn}/*"
      }, local.but_break_glass),
      {
        Sid       = "DenyReplicationByOthers"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
        Resource  = "${local.replica_bucket_arn}/*"
        Condition = { ArnNotLike = { "aws:PrincipalArn" = local.replication_role_arn } }
      },
      merge({
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = local.deletions
        Resource  = "${local.replica_bucket_arn}/*"
      }, local.but_break_glass),
      merge({
        Sid       = "DenyTampering"
        Effect    = "Deny"
        Principal = "*"
        Action    = setsubtract(local.tamperings, ["s3:PutBucketLogging"])
        Resource  = local.replica_bucket_arn
      }, local.but_break_glass),
    ]
  }
}

# --- The key ---------------------------------------------------------------------------------------------------------

# Whoever may use it is left to the account's IAM policies: the replication role's, and those of who may read logs.
resource "aws_kms_key" "replica" {
  count    = local.replicas
  provider = aws.replication

  description             = "Copies of the audit logs of ${local.trail_name}"
  enable_key_rotation     = true
  rotation_period_in_days = 365
  multi_region            = false
  deletion_window_in_days = var.key_deletion_window_days

  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "cloudtrail-logs-replica-key-${var.environment}"
    Statement = [{
      Sid       = "AccountAdministersKey"
      Effect    = "Allow"
      Principal = { AWS = local.root_arn }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  tags = { Name = "kms-cloudtrail-logs-replica-${var.environment}" }
}

resource "aws_kms_alias" "replica" {
  count    = local.replicas
  provider = aws.replication

  name          = "alias/cloudtrail-logs-replica-key-${var.environment}"
  target_key_id = aws_kms_key.replica[0].key_id
}

# --- The bucket ------------------------------------------------------------------------------------------------------

resource "aws_s3_bucket" "replica" {
  #checkov:skip=CKV_AWS_18:Access logs must lie in the same region; who may read the copies is judged (control copies-closed).
  count    = local.replicas
  provider = aws.replication

  bucket        = local.replica_bucket_name
  force_destroy = var.log_bucket_force_destroy

  object_lock_enabled = local.object_lock_days > 0

  tags = { Name = local.replica_bucket_name }

  lifecycle {
    ignore_changes = [object_lock_enabled]

    precondition {
      condition     = var.replication_region != var.region
      error_message = "Log files would be copied into ${var.region}, where they are: choose another replication_region than the home region, or leave it out."
    }

    precondition {
      condition     = try(regex(local.region_prefix, var.replication_region)[0], "") == try(regex(local.region_prefix, var.region)[0], "")
      error_message = "S3 copies nothing from ${var.region} to ${var.replication_region}, which is in another partition: choose a replication_region of the home region's partition."
    }
  }
}

resource "aws_s3_bucket_public_access_block" "replica" {
  count    = local.replicas
  provider = aws.replication

  bucket = aws_s3_bucket.replica[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "replica" {
  count    = local.replicas
  provider = aws.replication

  bucket = aws_s3_bucket.replica[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "replica" {
  count    = local.replicas
  provider = aws.replication

  bucket = aws_s3_bucket.replica[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "replica" {
  count    = local.replicas
  provider = aws.replication

  bucket = aws_s3_bucket.replica[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.replica[0].arn
    }
  }
}

# A copy brings the lock of its file along; this is for whatever comes otherwise.
resource "aws_s3_bucket_object_lock_configuration" "replica" {
  count    = local.object_lock_days > 0 ? local.replicas : 0
  provider = aws.replication

  bucket = aws_s3_bucket.replica[0].id

  rule {
    default_retention {
      mode = var.object_lock_mode
      days = local.object_lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.replica]
}

# As that of the log bucket (log_archive.tf).
resource "aws_s3_bucket_lifecycle_configuration" "replica" {
  count    = var.log_lifecycle_enabled ? local.replicas : 0
  provider = aws.replication

  bucket                                 = aws_s3_bucket.replica[0].id
  transition_default_minimum_object_size = local.smallest_archived

  rule {
    id     = "keep-then-expire"
    status = "Enabled"

    filter {}

    transition {
      days          = var.log_archive_after_days
      storage_class = "GLACIER"
    }

    expiration {
      days = var.log_retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = local.noncurrent_days
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

  depends_on = [aws_s3_bucket_versioning.replica]
}

resource "aws_s3_bucket_policy" "replica" {
  count    = local.replicas
  provider = aws.replication

  bucket = aws_s3_bucket.replica[0].id
  policy = jsonencode(local.replica_bucket_policy)

  # Created after, and so destroyed before, the settings that it forbids to change.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.replica,
    aws_s3_bucket_object_lock_configuration.replica,
    aws_s3_bucket_ownership_controls.replica,
    aws_s3_bucket_public_access_block.replica,
    aws_s3_bucket_server_side_encryption_configuration.replica,
    aws_s3_bucket_versioning.replica,
  ]
}

# --- The role, and the rule ------------------------------------------------------------------------------------------

resource "aws_iam_role" "replication" {
  count = local.replicas

  name                 = local.replication_role
  description          = "Lets S3 copy the log files to ${coalesce(var.replication_region, "nowhere")}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "S3AssumesRole"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnLike      = { "aws:SourceArn" = local.log_bucket_arn }
        StringEquals = { "aws:SourceAccount" = local.account_id }
      }
    }]
  })

  tags = { Name = local.replication_role }
}

resource "aws_iam_policy" "replication" {
  count = local.replicas

  name        = "policy-log-replication-${var.environment}"
  description = "Read the log files with their locks, and write their copies"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadConfiguration"
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = [local.log_bucket_arn]
      },
      {
        Sid    = "ReadFilesAndLocks"
        Effect = "Allow"
        Action = [
          "s3:GetObjectLegalHold",
          "s3:GetObjectRetention",
          "s3:GetObjectVersionAcl",
          "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionTagging",
        ]
        Resource = ["${local.log_bucket_arn}/*"]
      },
      {
        Sid      = "WriteCopies"
        Effect   = "Allow"
        Action   = ["s3:ReplicateObject", "s3:ReplicateTags"]
        Resource = ["${local.replica_bucket_arn}/*"]
      },
      {
        Sid       = "DecryptFiles"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [aws_kms_key.logs.arn]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.dns_suffix}" } }
      },
      {
        # Both buckets have a bucket key, for which S3 also makes and decrypts the bucket-level key.
        Sid       = "EncryptCopies"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource  = [aws_kms_key.replica[0].arn]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.replication_region}.${local.dns_suffix}" } }
      },
    ]
  })

  tags = { Name = "policy-log-replication-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "replication" {
  count = local.replicas

  role       = aws_iam_role.replication[0].name
  policy_arn = aws_iam_policy.replication[0].arn
}

resource "aws_s3_bucket_replication_configuration" "logs" {
  count = local.replicas

  bucket = aws_s3_bucket.logs.id
  role   = aws_iam_role.replication[0].arn

  rule {
    id       = "every-file"
    priority = 1
    status   = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Disabled"
    }

    # Without this S3 passes over what is encrypted with a key of KMS, that is over every log file.
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket = aws_s3_bucket.replica[0].arn

      encryption_configuration {
        replica_kms_key_id = aws_kms_key.replica[0].arn
      }

      # What has not been copied, and what could not be.
      metrics {
        status = "Enabled"
      }
    }
  }

  depends_on = [
    aws_iam_role_policy_attachment.replication,
    aws_s3_bucket_policy.replica,
    aws_s3_bucket_versioning.logs,
    aws_s3_bucket_versioning.replica,
  ]
}
