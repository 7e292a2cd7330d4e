# How long log files are kept, and where: each toggle, and what does not fit together.

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

run "by_default_files_stay_unlocked_where_they_are" {
  assert {
    condition = (
      length(aws_s3_bucket_lifecycle_configuration.logs) == 0 && length(aws_s3_bucket_object_lock_configuration.logs) == 0 &&
      length(aws_s3_bucket.access_logs) == 0 && length(aws_s3_bucket_logging.logs) == 0 &&
      length(aws_s3_bucket.replica) == 0 && length(aws_kms_key.replica) == 0 && length(aws_iam_role.replication) == 0
    )
    error_message = "Without being asked for, nothing of all this may be there."
  }

  assert {
    condition     = aws_s3_bucket.logs.object_lock_enabled == false && aws_cloudwatch_log_group.trail.retention_in_days == 7
    error_message = "The bucket must not be locked, and the log groups be kept for a week."
  }

  assert {
    condition     = length(output.access_log_bucket_names) == 0 && length(output.replica_bucket_names) == 0 && length(output.replica_regions) == 0
    error_message = "The outputs must say that there is none."
  }
}

run "files_are_archived_and_expire" {
  variables {
    log_lifecycle_enabled = true
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.logs[0].rule : [
      rule.status,
      [for move in rule.transition : "${move.storage_class} after ${move.days}"],
      [for end in rule.expiration : end.days],
      [for end in rule.noncurrent_version_expiration : end.noncurrent_days],
    ] if rule.id == "keep-then-expire"] == [["Enabled", ["GLACIER after 90"], [2557], [2557]]]
    error_message = "Files must move after 90 days and go after seven years; without a lock, what was deleted is kept as long."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.logs[0].transition_default_minimum_object_size == "all_storage_classes_128K"
    error_message = "Small files, the digests among them, must stay where they are."
  }
}

run "locked_files_go_a_month_after_their_time" {
  variables {
    log_lifecycle_enabled   = true
    log_archive_small_files = true
    log_retention_days      = 365
    object_lock_mode        = "GOVERNANCE"
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.logs[0].rule[0].default_retention[0].mode == "GOVERNANCE" && aws_s3_bucket_object_lock_configuration.logs[0].rule[0].default_retention[0].days == 365
    error_message = "Files must be locked as long as they are kept."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.logs[0].rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "keep-then-expire"] == [30]
    error_message = "The lock keeps what was deleted: a month is enough then."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.logs[0].transition_default_minimum_object_size == "varies_by_storage_class"
    error_message = "Small files must move too where they are to."
  }

  assert {
    condition = alltrue([
      for action in ["s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutBucketObjectLockConfiguration"] :
      strcontains(aws_s3_bucket_policy.logs.policy, action)
    ])
    error_message = "Nobody may take the lock off."
  }
}

run "a_lock_beyond_the_retention_is_refused" {
  command = plan

  variables {
    log_retention_days = 365
    object_lock_mode   = "COMPLIANCE"
    object_lock_days   = 366
  }

  expect_failures = [aws_s3_bucket.logs]
}

run "a_new_bucket_is_locked_from_the_start" {
  command = plan

  variables {
    environment      = "locked"
    object_lock_mode = "GOVERNANCE"
  }

  # Of a bucket that is there, the lock's own configuration turns the lock on: it is never replaced for it.
  assert {
    condition     = local.object_lock_days == 2557 && length(aws_s3_bucket_object_lock_configuration.logs) == 1
    error_message = "The bucket must be made with Object Lock, for as long as files are kept."
  }
}

run "lock_days_without_a_mode_are_refused" {
  command = plan

  variables {
    object_lock_days = 30
  }

  expect_failures = [aws_s3_bucket.logs]
}

run "an_archive_after_the_end_is_refused" {
  command = plan

  variables {
    log_lifecycle_enabled  = true
    log_retention_days     = 365
    log_archive_after_days = 365
  }

  expect_failures = [aws_s3_bucket_lifecycle_configuration.logs]
}

run "requests_are_logged_in_a_bucket_of_their_own" {
  variables {
    access_logs_enabled       = true
    access_log_retention_days = 400
    object_lock_mode          = "GOVERNANCE"
  }

  assert {
    condition     = aws_s3_bucket_logging.logs[0].target_bucket == aws_s3_bucket.access_logs[0].id && aws_s3_bucket.access_logs[0].bucket == "s3-access-logs-dev-123456789012"
    error_message = "The log bucket must log into the bucket for it."
  }

  assert {
    condition     = !aws_s3_bucket.access_logs[0].object_lock_enabled && [for rule in aws_s3_bucket_server_side_encryption_configuration.access_logs[0].rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm] == ["AES256"]
    error_message = "S3 delivers neither into a locked bucket nor under a customer's key."
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.access_logs[0].policy).Statement : [statement.Principal, statement.Action, statement.Condition] if statement.Effect == "Allow"] == [[
      { Service = "logging.s3.amazonaws.com" }, "s3:PutObject",
      { ArnLike = { "aws:SourceArn" = ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012"] }, StringEquals = { "aws:SourceAccount" = "123456789012" } },
    ]]
    error_message = "S3's log delivery alone may write, for the log bucket alone."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.access_logs[0].rule : rule.expiration[0].days if rule.id == "keep-then-expire"] == [400]
    error_message = "Access logs must go after the days that were asked for."
  }

  assert {
    condition     = strcontains(aws_s3_bucket_policy.logs.policy, "s3:PutBucketLogging")
    error_message = "Nobody may end the logging."
  }
}

run "files_are_copied_into_another_region" {
  variables {
    replication_region    = "ap-southeast-2"
    object_lock_mode      = "GOVERNANCE"
    log_lifecycle_enabled = true
  }

  assert {
    condition = [for rule in aws_s3_bucket_replication_configuration.logs[0].rule : [
      rule.status, rule.destination[0].bucket, rule.destination[0].encryption_configuration[0].replica_kms_key_id,
      rule.destination[0].metrics[0].status, rule.delete_marker_replication[0].status,
      rule.source_selection_criteria[0].sse_kms_encrypted_objects[0].status,
    ]] == [["Enabled", aws_s3_bucket.replica[0].arn, aws_kms_key.replica[0].arn, "Enabled", "Disabled", "Enabled"]]
    error_message = "Every file, encrypted ones included, and no deletion must be copied, and be counted."
  }

  assert {
    condition     = aws_s3_bucket_object_lock_configuration.replica[0].rule == aws_s3_bucket_object_lock_configuration.logs[0].rule
    error_message = "Copies must be locked like the files."
  }

  assert {
    condition = !anytrue([
      for statement in jsondecode(aws_iam_policy.replication[0].policy).Statement :
      contains(flatten([statement.Action]), "s3:ReplicateDelete") || contains(flatten([statement.Resource]), "*")
    ])
    error_message = "The role may copy no deletion, and nothing of another bucket."
  }

  assert {
    condition     = jsondecode(aws_iam_role.replication[0].assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012"
    error_message = "S3 may wear the role for the log bucket alone."
  }
}

run "copies_where_the_files_are_are_refused" {
  command = plan

  variables {
    replication_region = "ap-southeast-1"
  }

  expect_failures = [aws_s3_bucket.replica]
}

run "copies_in_another_partition_are_refused" {
  command = plan

  variables {
    replication_region = "us-gov-west-1"
  }

  expect_failures = [aws_s3_bucket.replica]
}

run "the_trails_log_group_may_be_kept_longer" {
  variables {
    log_group_retention_days       = 365
    trail_log_group_retention_days = 2557
  }

  assert {
    condition     = aws_cloudwatch_log_group.trail.retention_in_days == 2557 && aws_cloudwatch_log_group.function.retention_in_days == 365
    error_message = "The trail's log group alone must be kept longer."
  }
}
