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

run "events_come_from_both_regions" {
  assert {
    condition     = [for rule in aws_cloudwatch_event_rule.violations : rule.name] == ["rule-changes-1-dev", "rule-changes-2-dev", "rule-changes-3-dev", "rule-changes-4-dev", "rule-root-user-dev"]
    error_message = "These rules must take events to the function."
  }

  assert {
    condition = alltrue([
      for key, rule in aws_cloudwatch_event_rule.forwarded :
      rule.event_pattern == aws_cloudwatch_event_rule.violations[key].event_pattern && rule.state == aws_cloudwatch_event_rule.violations[key].state
    ])
    error_message = "What is forwarded must be what the home region's rules match."
  }

  assert {
    condition = alltrue([
      for target in aws_cloudwatch_event_target.forwarded :
      target.arn == "arn:aws:events:ap-southeast-1:123456789012:event-bus/default" && target.role_arn == aws_iam_role.event_forwarding.arn
    ])
    error_message = "Events must be forwarded to the home region's bus, by their own role."
  }

  assert {
    condition = alltrue([
      for permission in aws_lambda_permission.violations :
      permission.principal == "events.amazonaws.com" && permission.source_account == "123456789012"
    ])
    error_message = "Each rule of this account must be admitted by itself."
  }

  assert {
    condition     = output.event_forwarding_region == "us-east-1"
    error_message = "The outputs must say where events come from."
  }
}

run "nothing_is_forwarded_within_a_region" {
  variables {
    region = "us-east-1"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.forwarded) == 0 && length(aws_cloudwatch_event_rule.violations) == 5
    error_message = "In the region of the global services their events are there already."
  }
}

run "other_partitions_have_their_own" {
  variables {
    region = "us-gov-east-1"
  }

  assert {
    condition     = output.event_forwarding_region == "us-gov-west-1"
    error_message = "GovCloud's global services are in us-gov-west-1."
  }
}

run "the_quick_path_can_be_left_out" {
  variables {
    event_path_enabled = false
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.violations) == 0 && length(aws_cloudwatch_event_rule.forwarded) == 0 && length(aws_lambda_permission.violations) == 0
    error_message = "Without it, no rule may invoke the function."
  }
}

run "the_ledger_is_what_was_agreed" {
  assert {
    condition = (
      aws_dynamodb_table.alert_ledger.billing_mode == "PAY_PER_REQUEST" &&
      aws_dynamodb_table.alert_ledger.point_in_time_recovery[0].enabled &&
      aws_dynamodb_table.alert_ledger.server_side_encryption[0].kms_key_arn == aws_kms_key.logs.arn &&
      one(aws_dynamodb_table.alert_ledger.ttl).attribute_name == "expires" &&
      !aws_dynamodb_table.alert_ledger.deletion_protection_enabled
    )
    error_message = "The ledger must be on demand, recoverable, under the key, and forget."
  }

  assert {
    condition     = aws_lambda_alias.rehearsal.name == "rehearsal" && aws_lambda_alias.rehearsal.function_version == "$LATEST"
    error_message = "The rehearsing alias must lead to the deployed code."
  }
}
