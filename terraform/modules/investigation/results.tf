# The results of queries are log records. They lie in a bucket of their own: into the log bucket nobody but CloudTrail may write,
# and what is written there is locked for years. Whoever may read it could read the log files as well, so it is read by those who
# ask alone, and what it holds goes after days.

locals {
  by_others = {
    ArnNotLike = { "aws:PrincipalArn" = sort(var.result_reader_arns) }
    Bool       = { "aws:PrincipalIsAWSService" = "false" }
  }

  results_bucket_policy = {
    Version = "2012-10-17"
    Id      = "investigation-results-${var.environment}"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.results_bucket_arn, "${local.results_bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Missing keys make the negated operator hold, and IfExists: anonymous callers are refused as well.
        Sid       = "DenyReadsByOthers"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = "${local.results_bucket_arn}/*"
        Condition = {
          ArnNotLike   = local.by_others.ArnNotLike
          BoolIfExists = local.by_others.Bool
        }
      },
      {
        # A forged result is as bad as a forged log file. Athena writes in the name of whoever asks.
        Sid       = "DenyWritesByOthers"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = "${local.results_bucket_arn}/*"
        Condition = local.by_others
      },
    ]
  }
}

resource "aws_s3_bucket" "results" {
  #checkov:skip=CKV_AWS_144:Results of queries are asked for again, and copied nowhere.
  bucket = local.results_bucket

  # What is in it can be asked for again, and must not outlive the trail.
  force_destroy = true

  tags = { Name = local.results_bucket }
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket = aws_s3_bucket.results.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "results" {
  bucket = aws_s3_bucket.results.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  bucket                                 = aws_s3_bucket.results.id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.investigation_results_days
    }

    noncurrent_version_expiration {
      noncurrent_days = var.investigation_results_days
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
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.results]
}

resource "aws_s3_bucket_logging" "results" {
  count = length(var.access_log_bucket_names)

  bucket        = aws_s3_bucket.results.id
  target_bucket = var.access_log_bucket_names[0]
  target_prefix = "${local.results_bucket}/"
}

resource "aws_s3_bucket_policy" "results" {
  bucket = aws_s3_bucket.results.id
  policy = jsonencode(local.results_bucket_policy)

  depends_on = [aws_s3_bucket_public_access_block.results]
}
