# The bucket for reports and the key that signs them: there on request alone, and the verifier's.

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

run "without_being_asked_for_there_is_none" {
  assert {
    condition = (
      output.reports_bucket_names == [] && output.report_signing_key_arns == [] &&
      length(aws_s3_bucket.reports) + length(aws_kms_key.reports) + length(aws_iam_policy.verifier_reports) == 0
    )
    error_message = "There is a bucket for reports, a key that signs them, or a permission for either, without being asked for."
  }
}

run "the_bucket_locks_as_the_log_bucket_does_and_the_verifier_alone_writes" {
  variables {
    reports_bucket_enabled = true
    object_lock_mode       = "COMPLIANCE"
    object_lock_days       = 400
  }

  assert {
    condition = (
      aws_s3_bucket.reports[0].object_lock_enabled &&
      aws_s3_bucket_object_lock_configuration.reports[0].rule[0].default_retention[0].mode == "COMPLIANCE" &&
      aws_s3_bucket_object_lock_configuration.reports[0].rule[0].default_retention[0].days == 400
    )
    error_message = "Reports must be locked as the log files are."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.reports[0].policy).Statement : statement.Condition.ArnNotLike["aws:PrincipalArn"]
      if statement.Sid == "DenyWritesByOthers"
    ] == [[aws_iam_role.verifier.arn]]
    error_message = "Nobody but the verifier may put reports there."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.verifier_reports[0].policy).Statement : statement.Sid] == ["KeepReports", "EncryptReports"]
    error_message = "The verifier needs what keeping reports takes, and no more."
  }
}

run "the_key_signs_for_the_verifier_alone" {
  variables {
    report_signing_enabled = true
    finding_import_enabled = true
  }

  assert {
    condition = (
      aws_kms_key.reports[0].key_usage == "SIGN_VERIFY" && aws_kms_key.reports[0].customer_master_key_spec == "ECC_NIST_P256" &&
      aws_kms_alias.reports[0].name == "alias/verification-reports-key-dev"
    )
    error_message = "Reports are signed by a key of a curve, under its name."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.reports[0].policy).Statement : statement.Principal.AWS
      if length(setintersection(flatten([statement.Action]), ["kms:Sign", "kms:*", "kms:CreateGrant"])) > 0
    ] == [aws_iam_role.verifier.arn]
    error_message = "Nobody but the verifier may sign, or let somebody."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.verifier_reports[0].policy).Statement : statement.Sid] == ["SignReports", "ImportFindings"]
    error_message = "The verifier needs what signing and importing take, and no more."
  }
}
