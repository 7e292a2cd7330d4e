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

run "names_follow_the_environment" {
  variables {
    environment = "staging"
  }

  assert {
    condition = {
      trail        = output.trail_name
      bucket       = output.log_bucket_name
      alias        = output.kms_key_alias
      trail_logs   = output.trail_log_group_name
      function     = output.function_name
      filter       = output.subscription_filter_name
      alerts       = output.alert_topic_name
      deliveries   = aws_sns_topic.delivery.name
      queue        = aws_sqs_queue.delivery.name
      dead_letters = aws_sqs_queue.dead_letter.name
      trail_role   = output.trail_logs_role_name
      checker_role = output.function_role_name
      verifier     = output.verifier_role_name
      } == {
      trail        = "cloudtrail-audit-staging"
      bucket       = "s3-cloudtrail-logs-staging-123456789012"
      alias        = "alias/cloudtrail-logs-key-staging"
      trail_logs   = "/aws/cloudtrail/cloudtrail-audit-staging"
      function     = "lambda-compliance-checker-staging"
      filter       = "subscription-compliance-checker-staging"
      alerts       = "sns-compliance-alerts-staging"
      deliveries   = "sns-trail-delivery-staging"
      queue        = "sqs-trail-delivery-staging"
      dead_letters = "sqs-compliance-checker-dlq-staging"
      trail_role   = "role-cloudtrail-logs-staging"
      checker_role = "role-compliance-checker-staging"
      verifier     = "role-verifier-staging"
    }
    error_message = "A name does not follow <resource-type>-<purpose>-<environment>."
  }
}

run "the_required_tags_are_there" {
  variables {
    owner           = "Dr. Ada Müller"
    cost_center     = "4711"
    additional_tags = { Team = "cardiology" }
  }

  assert {
    condition = local.tags == {
      Environment = "dev"
      Owner       = "Dr. Ada Müller"
      CostCenter  = "4711"
      Purpose     = "audit-logging"
      Compliance  = "HIPAA"
      Application = "trailwarden"
      ManagedBy   = "Terraform"
      Team        = "cardiology"
    }
    error_message = "The tags must be the required ones and the additional ones."
  }
}

run "the_customer_owns_and_pays_unless_told_otherwise" {
  assert {
    condition     = [local.tags.Owner, local.tags.CostCenter] == ["security-team", "compliance"]
    error_message = "Without a value of one's own, Owner is security-team and CostCenter compliance."
  }
}

run "the_outputs_say_where_it_is" {
  assert {
    condition     = [output.account_id, output.region, output.partition, output.environment, output.profile, output.trail_home_region] == ["123456789012", "ap-southeast-1", "aws", "dev", "dev", "ap-southeast-1"]
    error_message = "Account, region, partition, environment and profile must be stated."
  }

  assert {
    condition     = !endswith(output.trail_log_group_arn, ":*")
    error_message = "The log group's ARN is published without the ending for log streams."
  }
}
