mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  environment                        = "prod-eu"
  log_bucket_name                    = "s3-cloudtrail-logs-prod-eu-123456789012"
  log_retention_days                 = 2557
  organization_id                    = null
  account_ids                        = ["123456789012"]
  regions                            = ["us-east-1", "eu-west-1"]
  kms_key_arn                        = "arn:aws:kms:ap-southeast-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  result_reader_arns                 = ["arn:aws:iam::123456789012:role/role-investigation-prod-eu"]
  access_log_bucket_names            = ["s3-access-logs-prod-eu-123456789012"]
  investigation_results_days         = 7
  investigation_scan_limit_gigabytes = 100
}

run "the_table_has_the_files_of_one_account" {
  assert {
    condition = tomap({
      for key, value in aws_glue_catalog_table.records.parameters : key => value if startswith(key, "projection.") || startswith(key, "storage.")
      }) == tomap({
      "projection.enabled"           = "true"
      "projection.account.type"      = "enum"
      "projection.account.values"    = "123456789012"
      "projection.region.type"       = "enum"
      "projection.region.values"     = "eu-west-1,us-east-1"
      "projection.day.type"          = "date"
      "projection.day.format"        = "yyyy/MM/dd"
      "projection.day.range"         = "NOW-2558DAYS,NOW"
      "projection.day.interval"      = "1"
      "projection.day.interval.unit" = "DAYS"
      "storage.location.template"    = "s3://s3-cloudtrail-logs-prod-eu-123456789012/AWSLogs/$${account}/CloudTrail/$${region}/$${day}"
    })
    error_message = "The partitions must be those of the trail's folders."
  }

  assert {
    condition     = aws_glue_catalog_table.records.parameters["read_restored_glacier_objects"] == "true"
    error_message = "Archived files must be read once they are restored."
  }

  assert {
    condition     = join(" ", aws_glue_catalog_table.records.partition_keys[*].name) == "account region day"
    error_message = "The partition columns must be account, region and day."
  }

  assert {
    condition = (
      aws_glue_catalog_table.records.storage_descriptor[0].input_format == "com.amazon.emr.cloudtrail.CloudTrailInputFormat" &&
      aws_glue_catalog_table.records.storage_descriptor[0].ser_de_info[0].serialization_library == "org.apache.hive.hcatalog.data.JsonSerDe"
    )
    error_message = "The files must be read as AWS documents it for CloudTrail."
  }

  assert {
    condition     = aws_glue_catalog_database.investigation.name == "investigation_prod_eu"
    error_message = "Athena knows no name with a hyphen without quotes."
  }
}

run "the_table_has_the_files_of_an_organization" {
  variables {
    organization_id = "o-a1b2c3d4e5"
    account_ids     = ["210987654321", "123456789012"]
  }

  assert {
    condition     = aws_glue_catalog_table.records.parameters["storage.location.template"] == "s3://s3-cloudtrail-logs-prod-eu-123456789012/AWSLogs/o-a1b2c3d4e5/$${account}/CloudTrail/$${region}/$${day}"
    error_message = "The organization must be in the files' path."
  }

  assert {
    condition     = aws_glue_catalog_table.records.parameters["projection.account.values"] == "123456789012,210987654321"
    error_message = "The table must have the files of each account."
  }
}

run "the_workgroup_decides" {
  assert {
    condition = (
      aws_athena_workgroup.investigation.configuration[0].enforce_workgroup_configuration &&
      aws_athena_workgroup.investigation.configuration[0].publish_cloudwatch_metrics_enabled &&
      aws_athena_workgroup.investigation.configuration[0].bytes_scanned_cutoff_per_query == 107374182400 &&
      aws_athena_workgroup.investigation.configuration[0].engine_version[0].selected_engine_version == "Athena engine version 3"
    )
    error_message = "A client must not be able to choose otherwise, nor to read without end."
  }

  assert {
    condition = (
      aws_athena_workgroup.investigation.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS" &&
      aws_athena_workgroup.investigation.configuration[0].result_configuration[0].encryption_configuration[0].kms_key_arn == var.kms_key_arn &&
      aws_athena_workgroup.investigation.configuration[0].result_configuration[0].expected_bucket_owner == "123456789012"
    )
    error_message = "Results must be encrypted with the key of the records, in a bucket of this account."
  }
}

run "the_saved_queries_ask_the_table" {
  assert {
    condition     = keys(aws_athena_named_query.saved) == ["acts-of-one-principal", "failed-calls", "first-use-of-a-region", "who-did-what"]
    error_message = "The four saved queries must be there."
  }

  assert {
    condition     = alltrue([for query in aws_athena_named_query.saved : strcontains(query.query, "FROM trail_records") && strcontains(query.query, "WHERE day BETWEEN ? AND ?")])
    error_message = "Each must ask the table, and name the days."
  }
}

run "results_are_for_those_who_ask" {
  assert {
    condition = {
      for statement in jsondecode(aws_s3_bucket_policy.results.policy).Statement : statement.Sid => [
        statement.Effect, statement.Principal, try(statement.Condition.ArnNotLike["aws:PrincipalArn"], null)
      ]
      } == {
      DenyInsecureTransport = ["Deny", "*", null]
      DenyReadsByOthers     = ["Deny", "*", ["arn:aws:iam::123456789012:role/role-investigation-prod-eu"]]
      DenyWritesByOthers    = ["Deny", "*", ["arn:aws:iam::123456789012:role/role-investigation-prod-eu"]]
    }
    error_message = "Nobody else may read or write results."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.results.rule[0].expiration[0].days == 7 &&
      aws_s3_bucket_lifecycle_configuration.results.rule[0].noncurrent_version_expiration[0].noncurrent_days == 7
    )
    error_message = "Results must go after a week."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.results) == 1
    error_message = "Requests for results must be logged where there is a bucket for that."
  }

  assert {
    condition     = alltrue([for statement in output.query_statements : !contains(statement.Resource, "*")])
    error_message = "Each permission must be for what is here alone."
  }
}

run "without_an_access_log_bucket_requests_are_not_logged" {
  variables {
    access_log_bucket_names = []
  }

  assert {
    condition     = length(aws_s3_bucket_logging.results) == 0
    error_message = "There is nowhere to log to."
  }
}

run "bad_values_are_refused" {
  command = plan

  variables {
    organization_id                    = "123456789012"
    account_ids                        = ["12345678901"]
    regions                            = []
    investigation_results_days         = 0
    investigation_scan_limit_gigabytes = 0.5
  }

  expect_failures = [
    var.organization_id,
    var.account_ids,
    var.regions,
    var.investigation_results_days,
    var.investigation_scan_limit_gigabytes,
  ]
}
