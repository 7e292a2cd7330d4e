# Where reports go and by what they are signed, each on request: a bucket that keeps each file as it was put there, and a key that
# signs a run's manifest and never leaves KMS. Findings go to Security Hub, on request as well. All of it is the verifier's to do.

locals {
  reports_count       = var.reports_bucket_enabled ? 1 : 0
  report_signing      = var.report_signing_enabled ? 1 : 0
  reports_bucket_name = "s3-verification-reports-${var.environment}-${local.account_id}"
  reports_bucket_arns = [for made in [var.reports_bucket_enabled] : "arn:${local.partition}:s3:::${local.reports_bucket_name}" if made]

  reports_bucket_policy = {
    Version = "2012-10-17"
    Id      = "verification-reports-${var.environment}"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = flatten([for arn in local.reports_bucket_arns : [arn, "${arn}/*"]])
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Whoever else puts a file there puts it beside what was found.
        Sid       = "DenyWritesByOthers"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = [for arn in local.reports_bucket_arns : "${arn}/*"]
        Condition = { ArnNotLike = { "aws:PrincipalArn" = concat([aws_iam_role.verifier.arn], compact([local.break_glass_role_arn])) } }
      },
      merge({
        Sid       = "DenyAlteration"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObjectAcl", "s3:PutObjectTagging", "s3:PutObjectVersionAcl", "s3:PutObjectVersionTagging"]
        Resource  = [for arn in local.reports_bucket_arns : "${arn}/*"]
      }, local.but_break_glass),
      merge({
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = local.deletions
        Resource  = [for arn in local.reports_bucket_arns : "${arn}/*"]
      }, local.but_break_glass),
      merge({
        Sid       = "DenyTampering"
        Effect    = "Deny"
        Principal = "*"
        Action    = local.tamperings
        Resource  = local.reports_bucket_arns
      }, local.but_break_glass),
    ]
  }
}

resource "aws_s3_bucket" "reports" {
  #checkov:skip=CKV_AWS_144:Each run's folder is on the machine that verified as well; what must outlive a region is copied from there.
  count = local.reports_count

  bucket        = local.reports_bucket_name
  force_destroy = var.log_bucket_force_destroy

  object_lock_enabled = local.object_lock_days > 0

  tags = { Name = local.reports_bucket_name }

  # As of the log bucket.
  lifecycle {
    ignore_changes = [object_lock_enabled]
  }
}

resource "aws_s3_bucket_public_access_block" "reports" {
  count = local.reports_count

  bucket = aws_s3_bucket.reports[0].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "reports" {
  count = local.reports_count

  bucket = aws_s3_bucket.reports[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "reports" {
  count = local.reports_count

  bucket = aws_s3_bucket.reports[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "reports" {
  count = local.reports_count

  bucket = aws_s3_bucket.reports[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.logs.arn
    }
  }
}

# The same lock as of the log files: a report is kept as long as what it is about.
resource "aws_s3_bucket_object_lock_configuration" "reports" {
  count = local.object_lock_days > 0 ? local.reports_count : 0

  bucket = aws_s3_bucket.reports[0].id

  rule {
    default_retention {
      mode = var.object_lock_mode
      days = local.object_lock_days
    }
  }

  # Only a bucket with versions can be locked.
  depends_on = [aws_s3_bucket_versioning.reports]
}

# Nothing is archived: an audit of a year reads the reports of a year.
resource "aws_s3_bucket_lifecycle_configuration" "reports" {
  count = local.reports_count

  bucket                                 = aws_s3_bucket.reports[0].id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  rule {
    id     = "keep-then-expire"
    status = "Enabled"

    filter {}

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

  depends_on = [aws_s3_bucket_versioning.reports]
}

resource "aws_s3_bucket_logging" "reports" {
  count = var.reports_bucket_enabled ? local.access_log_buckets : 0

  bucket        = aws_s3_bucket.reports[0].id
  target_bucket = aws_s3_bucket.access_logs[0].id
  target_prefix = "${local.reports_bucket_name}/"

  # By the policy S3 may deliver.
  depends_on = [aws_s3_bucket_policy.access_logs]
}

resource "aws_s3_bucket_policy" "reports" {
  count = local.reports_count

  bucket = aws_s3_bucket.reports[0].id
  policy = jsonencode(local.reports_bucket_policy)

  # Created after, and so destroyed before, the settings that it forbids to change.
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.reports,
    aws_s3_bucket_logging.reports,
    aws_s3_bucket_object_lock_configuration.reports,
    aws_s3_bucket_ownership_controls.reports,
    aws_s3_bucket_public_access_block.reports,
    aws_s3_bucket_server_side_encryption_configuration.reports,
    aws_s3_bucket_versioning.reports,
  ]
}

# --- Signing key -----------------------------------------------------------------------------------------------------

# A curve's key: KMS rotates none that signs, and a signature must be checked for years.
resource "aws_kms_key" "reports" {
  count = local.report_signing

  description              = "Signs the manifests of verification reports of ${var.environment}"
  key_usage                = "SIGN_VERIFY"
  customer_master_key_spec = "ECC_NIST_P256"
  multi_region             = false # a replica would sign as well, by a policy of its own
  deletion_window_in_days  = var.key_deletion_window_days

  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "verification-reports-key-${var.environment}"
    Statement = [
      {
        # Whoever administers the account governs the key and does not sign by it, unless they change this policy, which is seen.
        Sid       = "AccountAdministersKey"
        Effect    = "Allow"
        Principal = { AWS = local.root_arn }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:DescribeKey",
          "kms:DisableKey",
          "kms:EnableKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:GetPublicKey",
          "kms:ListGrants",
          "kms:ListKeyPolicies",
          "kms:ListResourceTags",
          "kms:ListRetirableGrants",
          "kms:PutKeyPolicy",
          "kms:RevokeGrant",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
          "kms:Verify",
        ]
        Resource = "*"
      },
      {
        Sid       = "VerifierSigns"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.verifier.arn }
        Action    = ["kms:GetPublicKey", "kms:Sign"]
        Resource  = "*"
      },
    ]
  })

  tags = { Name = "kms-verification-reports-${var.environment}" }
}

resource "aws_kms_alias" "reports" {
  count = local.report_signing

  name          = "alias/verification-reports-key-${var.environment}"
  target_key_id = aws_kms_key.reports[0].key_id
}

# --- The verifier ----------------------------------------------------------------------------------------------------

locals {
  verifier_reports_statements = concat(
    flatten([
      for arn in local.reports_bucket_arns : [
        {
          # Without s3:PutObjectRetention: the bucket itself locks what is put there.
          Sid      = "KeepReports"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
          Resource = ["${arn}/*"]
        },
        {
          Sid       = "EncryptReports"
          Effect    = "Allow"
          Action    = ["kms:GenerateDataKey"]
          Resource  = [aws_kms_key.logs.arn]
          Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.dns_suffix}" } }
        },
      ]
    ]),
    [
      for arn in aws_kms_key.reports[*].arn : {
        Sid      = "SignReports"
        Effect   = "Allow"
        Action   = ["kms:GetPublicKey", "kms:Sign"]
        Resource = [arn]
      }
    ],
    [
      for made in [var.finding_import_enabled] : {
        Sid      = "ImportFindings"
        Effect   = "Allow"
        Action   = ["securityhub:BatchImportFindings"]
        Resource = ["arn:${local.partition}:securityhub:${local.region}:${local.account_id}:product/${local.account_id}/default"]
      } if made
    ],
  )
}

resource "aws_iam_policy" "verifier_reports" {
  count = var.reports_bucket_enabled || var.report_signing_enabled || var.finding_import_enabled ? 1 : 0

  name        = "policy-verifier-reports-${var.environment}"
  description = "Keep and sign reports, and import their findings, as far as that was asked for"
  policy      = jsonencode({ Version = "2012-10-17", Statement = local.verifier_reports_statements })

  tags = { Name = "policy-verifier-reports-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_reports" {
  count = length(aws_iam_policy.verifier_reports)

  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_reports[0].arn
}
