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

run "by_default_there_are_no_further_regions" {
  assert {
    condition = (
      length(aws_cloudformation_stack_set.forwarded) == 0 && length(aws_cloudformation_stack_instances.forwarded) == 0 &&
      length(aws_iam_role.event_administration) == 0 && length(aws_iam_role.event_execution) == 0
    )
    error_message = "Without further regions, nothing may be there for them."
  }

  assert {
    condition     = length(output.further_event_regions) == 0 && length(output.event_stack_set_arns) == 0 && length(output.event_stack_set_role_arns) == 0
    error_message = "The outputs must say that there are none."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.verifier_services.policy, "cloudformation:")
    error_message = "The verifier may read no stack set where there is none."
  }
}

run "further_regions_forward_what_the_home_region_matches" {
  variables {
    further_event_regions = ["us-west-2", "eu-west-1"]
  }

  assert {
    condition     = aws_cloudformation_stack_instances.forwarded[0].regions == toset(["eu-west-1", "us-west-2"])
    error_message = "Each region that is named must have the stack."
  }

  assert {
    condition = {
      for rule in jsondecode(aws_cloudformation_stack_set.forwarded[0].template_body).Resources : rule.Properties.Name => [
        rule.Type, jsonencode(rule.Properties.EventPattern), rule.Properties.State, rule.Properties.Targets
      ]
      } == {
      for rule in aws_cloudwatch_event_rule.violations : rule.name => [
        "AWS::Events::Rule", jsonencode(jsondecode(rule.event_pattern)), rule.state, [{
          Arn     = "arn:aws:events:ap-southeast-1:123456789012:event-bus/default"
          Id      = "home-region"
          RoleArn = aws_iam_role.event_forwarding.arn
        }]
      ]
    }
    error_message = "The rules there must match what those of the home region do, and send it to its bus."
  }

  assert {
    condition     = length(aws_cloudformation_stack_set.forwarded[0].template_body) <= 51200
    error_message = "CloudFormation takes a template of at most 51,200 bytes."
  }

  assert {
    condition     = output.further_event_regions == tolist(["eu-west-1", "us-west-2"]) && length(output.event_stack_set_arns) == 1 && length(output.event_stack_set_role_arns) == 2
    error_message = "The outputs must say where the rules are, and by which roles."
  }

  assert {
    condition = jsondecode(aws_iam_role.event_forwarding.assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == concat(
      [for name in ["changes-1", "changes-2", "changes-3", "changes-4", "root-user"] : "arn:aws:events:us-east-1:123456789012:rule/rule-${name}-dev"],
      ["arn:aws:events:eu-west-1:123456789012:rule/rule-*-dev", "arn:aws:events:us-west-2:123456789012:rule/rule-*-dev"],
    )
    error_message = "The forwarding role must be worn for this deployment's rules alone, in the regions that are named."
  }

  assert {
    condition = jsondecode(aws_iam_role.event_administration[0].assume_role_policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:cloudformation:ap-southeast-1:123456789012:stackset/stackset-event-forwarding-dev:*" }
    }
    error_message = "CloudFormation may wear the role for this stack set alone."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.event_execution[0].policy).Statement :
      statement.Sid == "PassForwardingRole" ? statement.Condition == { StringEquals = { "iam:PassedToService" = "events.amazonaws.com" } } : statement.Condition == { StringNotEquals = { "aws:RequestedRegion" = ["ap-southeast-1", "us-east-1"] } }
    ])
    error_message = "The stacks' role may not touch the rules that Terraform makes itself, and may pass its one role to EventBridge alone."
  }

  assert {
    condition     = strcontains(aws_iam_policy.verifier_services.policy, "arn:aws:events:us-west-2:123456789012:rule/*-dev") && strcontains(aws_iam_policy.verifier_services.policy, "cloudformation:DescribeStackSet")
    error_message = "The verifier must be able to read the rules there, and the stack set."
  }
}

run "without_the_quick_path_there_are_none" {
  variables {
    event_path_enabled    = false
    further_event_regions = ["eu-west-1"]
  }

  assert {
    condition     = length(aws_cloudformation_stack_set.forwarded) == 0 && length(output.further_event_regions) == 0
    error_message = "Without the quick path nothing is forwarded."
  }
}

run "every_region_fits" {
  variables {
    environment = "production-eu-01"
    further_event_regions = [
      "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
      "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-2", "us-west-1", "us-west-2",
    ]
  }

  override_data {
    target = data.aws_regions.reached
    values = { names = [
      "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
      "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ] }
  }

  # AWS counts the characters of both without white space.
  assert {
    condition     = length(aws_iam_role.event_forwarding.assume_role_policy) <= 2048
    error_message = "A trust policy holds at most 2048 characters."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_policy.verifier_services, aws_iam_policy.event_execution[0]] : length(policy.policy) <= 6144
    ])
    error_message = "A managed policy holds at most 6144 characters."
  }
}

run "regions_that_have_rules_already_are_refused" {
  command = plan

  variables {
    further_event_regions = ["eu-west-1", "us-east-1"]
  }

  expect_failures = [aws_cloudformation_stack_set.forwarded[0]]
}

run "the_home_region_is_refused" {
  command = plan

  variables {
    further_event_regions = ["ap-southeast-1"]
  }

  expect_failures = [aws_cloudformation_stack_set.forwarded[0]]
}

run "regions_of_another_partition_are_refused" {
  command = plan

  variables {
    further_event_regions = ["us-gov-west-1"]
  }

  override_data {
    target = data.aws_regions.reached
    values = { names = ["ap-southeast-1", "us-gov-west-1"] }
  }

  expect_failures = [aws_cloudformation_stack_set.forwarded[0]]
}

run "regions_that_need_an_opt_in_are_refused" {
  command = plan

  variables {
    further_event_regions = ["ap-east-1"]
  }

  expect_failures = [aws_cloudformation_stack_set.forwarded[0]]
}
