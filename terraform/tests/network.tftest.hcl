# What the network itself is like, its own tests show (modules/network/tests).

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

run "the_network_is_made_with_what_encrypts_its_flow_logs" {
  variables {
    flow_logs_enabled = true
  }

  assert {
    condition     = length(module.network) == 1 && length(data.aws_vpc.existing) == 0 && output.vpc_id == module.network[0].vpc_id
    error_message = "Without a VPC of somebody else's there must be one of our own."
  }

  assert {
    condition     = length(output.private_subnet_ids) == 2 && output.application_security_group_id != null
    error_message = "The outputs must say where the network is."
  }

  assert {
    condition     = strcontains(aws_kms_key.logs.policy, "log-group:/aws/vpc/flow-logs-dev") && output.flow_log_group_name == "/aws/vpc/flow-logs-dev"
    error_message = "The key must let CloudWatch Logs encrypt the flow logs."
  }
}

run "the_trail_stands_without_a_network" {
  variables {
    existing_vpc_id   = "vpc-0a1b2c3d4e5f60718"
    flow_logs_enabled = true # of no use then, as the other variables of the network
  }

  assert {
    condition     = length(module.network) == 0 && output.vpc_id == "vpc-0a1b2c3d4e5f60718"
    error_message = "In somebody else's VPC nothing may be made."
  }

  assert {
    condition = (
      length(concat(output.private_subnet_ids, output.private_route_table_ids, output.public_subnet_ids, output.nat_gateway_ids, output.network_acl_ids, output.vpc_endpoint_ids)) == 0 &&
      output.application_security_group_id == null && output.default_security_group_id == null && output.internet_gateway_id == null && output.flow_log_id == null && output.flow_log_group_arn == null
    )
    error_message = "The outputs of what there is not must be null, or empty lists."
  }

  assert {
    condition     = !strcontains(aws_kms_key.logs.policy, "flow-logs") && !strcontains(aws_iam_policy.verifier_services.policy, "flow-logs")
    error_message = "Nobody may be given anything for flow logs that there are not."
  }

  # The group that verification opens its test rule on; whose VPC it is says its ARN, for it may be shared by another account.
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.verifier_live_fire.policy).Statement : statement.Resource if statement.Sid == "CreateSecurityGroupInVpc"
    ] == ["arn:aws:ec2:ap-southeast-1:210987654321:vpc/vpc-0a1b2c3d4e5f60718"]
    error_message = "The verifier must be able to make its group in the existing VPC, and in no other."
  }

  assert {
    condition     = output.trail_name == "cloudtrail-audit-dev" && length(output.alarm_names) > 5
    error_message = "The trail and its alarms must be there all the same."
  }
}
