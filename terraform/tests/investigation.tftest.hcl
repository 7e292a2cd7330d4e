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

run "by_default_log_files_are_not_asked" {
  assert {
    condition     = length(module.investigation) == 0 && length(aws_iam_policy.investigation_queries) == 0 && length(aws_iam_policy.verifier_investigation) == 0
    error_message = "Without investigation_enabled nothing may be there for it."
  }

  assert {
    condition = (
      output.investigation_workgroup_name == null && output.investigation_database_name == null && output.investigation_table_name == null &&
      length(output.investigation_results_bucket_names) == 0
    )
    error_message = "The outputs must say that there is nothing."
  }
}

run "the_investigation_role_alone_asks" {
  variables {
    access_roles_enabled  = true
    investigation_enabled = true
    access_logs_enabled   = true
  }

  assert {
    condition = (
      output.investigation_workgroup_name == "workgroup-investigation-dev" && output.investigation_database_name == "investigation_dev" &&
      output.investigation_table_name == "trail_records" && length(output.investigation_results_bucket_names) == 1
    )
    error_message = "The outputs must name what there is."
  }

  assert {
    condition     = [for key, attachment in aws_iam_role_policy_attachment.access : attachment.role if startswith(key, "investigation-queries/")] == ["role-investigation-dev"]
    error_message = "Only the investigation role may ask."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.access_logs[0].policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012", "arn:aws:s3:::s3-investigation-results-dev-123456789012"]
    error_message = "Requests for results must be logged beside those for log files."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.verifier_investigation[0].policy).Statement : alltrue([
        for action in statement.Action : can(regex(":(Get|List)", action))
      ])
    ])
    error_message = "The verifier sees what log files are asked by, and asks nothing."
  }
}

run "nobody_asks_where_there_is_no_role_for_it" {
  command = plan

  variables {
    investigation_enabled = true
  }

  expect_failures = [aws_iam_policy.investigation_queries]
}
