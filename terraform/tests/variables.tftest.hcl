# Each run gives every variable a bad value; every one of them must be refused.

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

run "bad_values_are_refused" {
  command = plan

  variables {
    profile                        = "production"
    environment                    = "Dev"
    region                         = "Singapore"
    owner                          = ""
    cost_center                    = "<script>"
    additional_tags                = { "aws:owner" = "us" }
    existing_vpc_id                = "audit"
    key_deletion_window_days       = 6
    break_glass_role_arn           = "*"
    log_group_retention_days       = 2190
    trail_log_group_retention_days = 2190
    log_retention_days             = 364
    log_archive_after_days         = 0
    object_lock_mode               = "LEGAL_HOLD"
    object_lock_days               = 0
    access_log_retention_days      = 0
    replication_region             = "Sydney"
    trail_name                     = "audit--trail"
    existing_alert_topic_arn       = "security-alerts"
    existing_alert_topic_key_arn   = "arn:aws:kms:ap-southeast-1:123456789012:alias/alerts"
    activity_alarms                = ["weather-changes"]
    function_package               = "function.tar.gz"
    function_runtime               = "python3.9"
    function_timeout_seconds       = 901
    function_memory_megabytes      = 64
    function_reserved_concurrency  = 0
    function_log_level             = "verbose"
    function_metric_namespace      = "AWS/Lambda"
    further_event_regions          = ["Ireland"]
    account_scan_schedule          = "hourly"
    account_scan_checks            = ["everything"]
    remediation_rules              = ["root-used"]
    remediation_mode               = "always"
    remediation_exemption_tag      = "aws:exempt"
    verifier_principals            = ["*"]
    verifier_oidc_trusts           = [{ provider_arn = "token.actions.githubusercontent.com", subjects = ["repo:hospital/audit-trail:ref:refs/heads/main"] }]
    verifier_probes                = ["earthquake"]
    permissions_boundary_arn       = "arn:aws:iam::123456789012:role/boundary"
  }

  expect_failures = [
    var.profile,
    var.environment,
    var.region,
    var.owner,
    var.cost_center,
    var.additional_tags,
    var.existing_vpc_id,
    var.key_deletion_window_days,
    var.break_glass_role_arn,
    var.log_group_retention_days,
    var.trail_log_group_retention_days,
    var.log_retention_days,
    var.log_archive_after_days,
    var.object_lock_mode,
    var.object_lock_days,
    var.access_log_retention_days,
    var.replication_region,
    var.trail_name,
    var.existing_alert_topic_arn,
    var.existing_alert_topic_key_arn,
    var.activity_alarms,
    var.function_package,
    var.function_runtime,
    var.function_timeout_seconds,
    var.function_memory_megabytes,
    var.function_reserved_concurrency,
    var.function_log_level,
    var.function_metric_namespace,
    var.further_event_regions,
    var.account_scan_schedule,
    var.account_scan_checks,
    var.remediation_rules,
    var.remediation_mode,
    var.remediation_exemption_tag,
    var.verifier_oidc_trusts,
    var.verifier_principals,
    var.verifier_probes,
    var.permissions_boundary_arn,
  ]
}

run "other_bad_values_are_refused" {
  command = plan

  variables {
    environment                   = "a-name-that-is-too-long"
    region                        = "ap-southeast-1a"
    additional_tags               = { owner = "somebody else" }
    key_deletion_window_days      = 7.5
    break_glass_role_arn          = "arn:aws:iam::123456789012:role/*"
    log_group_retention_days      = 0
    trail_name                    = "192.168.5.4"
    existing_alert_topic_arn      = "arn:aws:sns:ap-southeast-1:123456789012:alerts.fifo"
    function_timeout_seconds      = 0
    function_memory_megabytes     = 256.5
    function_reserved_concurrency = -2
    further_event_regions         = ["eu-west-1a"]
    account_scan_schedule         = "rate(1 hours)" # EventBridge wants the singular
    account_scan_checks           = []
    remediation_exemption_tag     = ""
    verifier_principals           = ["arn:aws:iam::123456789012:role/ok", "arn:aws:sts::123456789012:assumed-role/ci/session"]
  }

  expect_failures = [
    var.environment,
    var.region,
    var.additional_tags,
    var.key_deletion_window_days,
    var.break_glass_role_arn,
    var.log_group_retention_days,
    var.trail_name,
    var.existing_alert_topic_arn,
    var.function_timeout_seconds,
    var.function_memory_megabytes,
    var.function_reserved_concurrency,
    var.account_scan_schedule,
    var.account_scan_checks,
    var.remediation_exemption_tag,
    var.verifier_principals,
    var.further_event_regions,
  ]
}

run "still_other_bad_values_are_refused" {
  command = plan

  variables {
    environment              = "dev-"
    owner                    = " " # as good as empty
    cost_center              = ""
    trail_name               = "-trail"
    log_group_retention_days = 2556
    additional_tags          = { "bad#key" = "x" }
    account_scan_schedule    = "cron(0 * * * ?)" # a field too few
  }

  expect_failures = [
    var.environment,
    var.owner,
    var.cost_center,
    var.trail_name,
    var.log_group_retention_days,
    var.additional_tags,
    var.account_scan_schedule,
  ]
}

run "more_tags_than_a_resource_holds_are_refused" {
  command = plan

  variables {
    additional_tags       = { for number in range(41) : "Tag${number}" => "x" }
    account_scan_schedule = "rate(2 hour)"
  }

  expect_failures = [var.additional_tags, var.account_scan_schedule]
}

run "good_values_at_the_edge_are_accepted" {
  command = plan

  variables {
    environment                   = "prod-eu-central1"
    region                        = "us-gov-west-1"
    key_deletion_window_days      = 30
    break_glass_role_arn          = "arn:aws-us-gov:iam::123456789012:role/a/path/break-glass"
    log_group_retention_days      = 2192
    trail_name                    = "a.b_c-9"
    function_runtime              = "python3.13"
    function_timeout_seconds      = 900
    function_memory_megabytes     = 10240
    function_reserved_concurrency = 1
    account_scan_schedule         = "cron(0/30 6-20 ? * MON-FRI *)"
    remediation_mode              = "apply"
    remediation_exemption_tag     = "hospital:exempt"
    verifier_principals           = ["arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/auditor"]
    permissions_boundary_arn      = "arn:aws:iam::aws:policy/PowerUserAccess"
  }

  assert {
    condition     = aws_cloudtrail.audit.name == "a.b_c-9" && length(aws_s3_bucket.logs.bucket) <= 63
    error_message = "Values within the rules must give a plan."
  }
}

# Each by itself: whose pipelines would be admitted is nobody's to choose.
run "pipelines_of_every_repository_are_refused" {
  command = plan

  variables {
    verifier_oidc_trusts = [{ provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", subjects = ["repo:*"] }]
  }

  expect_failures = [var.verifier_oidc_trusts]
}

run "pipelines_of_every_repository_of_an_owner_are_refused" {
  command = plan

  variables {
    verifier_oidc_trusts = [{ provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", subjects = ["repo:hospital/audit-trail:ref:refs/heads/main", "repo:hospital/*"] }]
  }

  expect_failures = [var.verifier_oidc_trusts]
}

run "pipelines_without_a_subject_are_refused" {
  command = plan

  variables {
    verifier_oidc_trusts = [{ provider_arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com", subjects = [] }]
  }

  expect_failures = [var.verifier_oidc_trusts]
}

run "pipelines_of_every_project_of_a_group_are_refused" {
  command = plan

  variables {
    verifier_oidc_trusts = [{ provider_arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com", subjects = ["project_path:hospital/*:ref_type:branch:ref:main"] }]
  }

  expect_failures = [var.verifier_oidc_trusts]
}

run "tokens_for_every_audience_are_refused" {
  command = plan

  variables {
    verifier_oidc_trusts = [{ provider_arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com", audience = "*", subjects = ["project_path:hospital/audit-trail:ref_type:branch:ref:main"] }]
  }

  expect_failures = [var.verifier_oidc_trusts]
}
