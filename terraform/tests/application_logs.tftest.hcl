# The log groups of applications: what is masked in them, and which applications there may be.

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

run "by_default_there_is_no_application" {
  assert {
    condition     = length(aws_cloudwatch_log_group.application) == 0 && length(output.application_log_group_names) == 0
    error_message = "Without being asked for, no application may have a group."
  }
}

run "each_application_has_a_group_that_is_encrypted_kept_and_masked" {
  variables {
    application_log_groups           = { django = {}, booking = { retention_days = 2192 } }
    application_log_data_identifiers = ["Ssn-US", "Name"]
    log_group_retention_days         = 365
  }

  assert {
    condition     = [for name in ["booking", "django"] : [aws_cloudwatch_log_group.application[name].name, aws_cloudwatch_log_group.application[name].retention_in_days, aws_cloudwatch_log_group.application[name].kms_key_id]] == [["/application/booking-dev", 2192, aws_kms_key.logs.arn], ["/application/django-dev", 365, aws_kms_key.logs.arn]]
    error_message = "Each application must have its group, its days and the key."
  }

  assert {
    condition = alltrue([
      for name in ["booking", "django"] : [
        for statement in jsondecode(aws_cloudwatch_log_data_protection_policy.application[name].policy_document).Statement : [statement.Sid, jsonencode(statement.DataIdentifier), jsonencode(statement.Operation)]
        ] == [
        ["Audit", "[\"arn:aws:dataprotection::aws:data-identifier/Name\",\"arn:aws:dataprotection::aws:data-identifier/Ssn-US\"]", "{\"Audit\":{\"FindingsDestination\":{}}}"],
        ["Mask", "[\"arn:aws:dataprotection::aws:data-identifier/Name\",\"arn:aws:dataprotection::aws:data-identifier/Ssn-US\"]", "{\"Deidentify\":{\"MaskConfig\":{}}}"],
      ]
    ])
    error_message = "What is chosen must be found and masked in each group, and told nobody."
  }

  assert {
    condition     = output.application_log_group_names == ["/application/booking-dev", "/application/django-dev"]
    error_message = "The outputs must name the groups."
  }

  assert {
    condition = length(setintersection(flatten([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] if statement.Sid == "CloudWatchLogsEncryptsLogGroups"
    ]), [for name in output.application_log_group_names : "arn:aws:logs:ap-southeast-1:123456789012:log-group:${name}"])) == 2
    error_message = "The key must admit the groups, or they cannot be encrypted."
  }
}

run "an_application_with_a_bad_name" {
  command = plan

  variables {
    application_log_groups = { "My App" = {} }
  }

  expect_failures = [var.application_log_groups]
}

run "an_application_that_is_kept_for_days_that_there_are_not" {
  command = plan

  variables {
    application_log_groups = { django = { retention_days = 366 } }
  }

  expect_failures = [var.application_log_groups]
}

run "nothing_to_mask" {
  command = plan

  variables {
    application_log_data_identifiers = []
  }

  expect_failures = [var.application_log_data_identifiers]
}
