# Settings of the account as a whole, which no other stack should set as well: of passwords, of public access to S3 and of new
# disks. They are there for accounts that this stack alone looks after; off by default.

locals {
  account_settings_count = var.account_settings_enabled ? 1 : 0
}

resource "aws_iam_account_password_policy" "account" {
  #checkov:skip=CKV_AWS_9:By variable; NIST SP 800-63B advises against passwords that expire without a reason.
  count = local.account_settings_count

  minimum_password_length        = var.password_policy.minimum_length
  max_password_age               = var.password_policy.maximum_age_days
  password_reuse_prevention      = var.password_policy.reuse_prevention
  require_lowercase_characters   = true
  require_numbers                = true
  require_symbols                = true
  require_uppercase_characters   = true
  allow_users_to_change_password = true  # who cannot, is given a password that somebody else knows
  hard_expiry                    = false # an expired password must be changed, and need not be reset by an administrator
}

resource "aws_s3_account_public_access_block" "account" {
  count = local.account_settings_count

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# It is each region's own: this is the home region's.
resource "aws_ebs_encryption_by_default" "account" {
  count = local.account_settings_count

  enabled = true
}
