mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "global_services"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "replication"
  source = "./tests/mocks"
}

variables {
  function_package = "tests/empty.zip"
}

run "the_account_is_left_as_it_is" {
  assert {
    condition     = length(aws_iam_account_password_policy.account) + length(aws_s3_account_public_access_block.account) + length(aws_ebs_encryption_by_default.account) == 0
    error_message = "Settings of the whole account must be asked for."
  }
}

run "the_accounts_settings_are_strict" {
  variables {
    account_settings_enabled = true
  }

  assert {
    condition = [
      for policy in aws_iam_account_password_policy.account :
      [policy.minimum_password_length, policy.max_password_age, policy.password_reuse_prevention]
    ] == [[14, 90, 24]]
    error_message = "Passwords are long, expire, and do not come again."
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_account_password_policy.account :
      [policy.require_lowercase_characters, policy.require_numbers, policy.require_symbols, policy.require_uppercase_characters, policy.allow_users_to_change_password]
    ]))
    error_message = "Passwords hold every kind of character, and users choose their own."
  }

  assert {
    condition = alltrue(flatten([
      for block in aws_s3_account_public_access_block.account :
      [block.block_public_acls, block.block_public_policy, block.ignore_public_acls, block.restrict_public_buckets]
    ])) && aws_ebs_encryption_by_default.account[0].enabled
    error_message = "No bucket of the account may become public, and no new volume be unencrypted."
  }
}

run "a_password_policy_of_ones_own" {
  command = plan

  variables {
    account_settings_enabled = true
    password_policy          = { minimum_length = 20, maximum_age_days = 60 }
  }

  assert {
    condition = [
      for policy in aws_iam_account_password_policy.account :
      [policy.minimum_password_length, policy.max_password_age, policy.password_reuse_prevention]
    ] == [[20, 60, 24]]
    error_message = "What is not said keeps its default."
  }
}

run "passwords_that_aws_does_not_know_are_refused" {
  command = plan

  variables {
    password_policy = { minimum_length = 129 }
  }

  expect_failures = [var.password_policy]
}
