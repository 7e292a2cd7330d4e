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

run "without_being_asked_for_there_is_none_and_nothing_is_published" {
  assert {
    condition     = output.dashboard_name == null && length(aws_cloudwatch_dashboard.audit) == 0 && length(aws_iam_policy.verifier_metric) == 0
    error_message = "There is a dashboard, or the verifier may publish, without being asked for."
  }
}

run "the_dashboard_shows_every_alarm_and_each_metric_filter" {
  variables {
    dashboard_enabled            = true
    account_scan_enabled         = true
    account_scan_checks          = ["buckets"]
    unusual_access_alarm_enabled = true
    activity_alarms              = ["root-account-use", "key-removals"]
  }

  assert {
    condition     = output.dashboard_name == "dashboard-audit-dev"
    error_message = "The dashboard must be named dashboard-<purpose>-<environment>."
  }

  assert {
    condition = toset(one([
      for widget in jsondecode(aws_cloudwatch_dashboard.audit[0].dashboard_body).widgets : widget.properties.alarms if widget.type == "alarm"
    ])) == toset(values(output.alarm_arns))
    error_message = "Every alarm must be on the dashboard."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.audit[0].dashboard_body).widgets : widget.properties.region == "ap-southeast-1" if widget.type == "metric"
    ])
    error_message = "Every widget must be of the deployment's region."
  }

  assert {
    condition = length(setsubtract(
      ["root-account-use-dev", "key-removals-dev", "relevant-events-dev", "AllRequests", "ScanFaults", "AlertLatency", "Errors", "IncomingLogEvents", "LastCleanVerification"],
      flatten([
        for widget in jsondecode(aws_cloudwatch_dashboard.audit[0].dashboard_body).widgets : [
          for row in widget.properties.metrics : row[1] if length(row) > 1
        ] if widget.type == "metric"
      ]),
    )) == 0
    error_message = "A metric is missing on the dashboard."
  }

  assert {
    condition     = toset([for widget in jsondecode(aws_cloudwatch_dashboard.audit[0].dashboard_body).widgets : "${widget.x},${widget.y}"]) == toset(["0,0", "12,0", "0,6", "12,6", "0,12", "12,12", "0,18", "12,18"])
    error_message = "Widgets must stand side by side, and not on each other."
  }
}

run "the_verifier_publishes_into_its_own_namespace_alone" {
  variables {
    verification_metric_enabled = true
  }

  assert {
    condition = jsondecode(aws_iam_policy.verifier_metric[0].policy).Statement == [{
      Sid       = "PutVerificationMetric"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = output.verification_metric_namespace } }
    }]
    error_message = "The verifier may publish one namespace's metrics and do nothing else."
  }
}
