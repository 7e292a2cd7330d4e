mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  environment                = "prod"
  kms_key_arn                = "arn:aws:kms:ap-southeast-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  permissions_boundary_arn   = null
  vpc_cidr_block             = "10.0.0.0/16"
  private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.11.0/24"]
  public_subnet_cidr_blocks  = ["10.0.1.0/24", "10.0.2.0/24"]
  public_addresses_on_launch = false
  bastion_cidr_blocks        = []
  network_acl_blocked_ports  = []
  gateway_endpoints          = []
  interface_endpoints        = []
  flow_logs_enabled          = false
  flow_log_group_name        = "/aws/vpc/flow-logs-prod"
  flow_log_retention_days    = 365
}

run "without_public_ranges_there_are_no_tiers" {
  variables {
    public_subnet_cidr_blocks = []
  }

  assert {
    condition = length(concat(
      aws_internet_gateway.public[*].id, aws_nat_gateway.private[*].id, aws_eip.nat[*].id, aws_subnet.public[*].id,
      aws_route_table.public[*].id, aws_route_table.private_nat[*].id, aws_security_group.web[*].id, aws_security_group.database[*].id,
      aws_security_group.bastion[*].id, aws_security_group.endpoints[*].id, keys(aws_network_acl.tier), keys(aws_security_group_rule.tier_egress),
    )) == 0
    error_message = "A private network must have nothing of the network in tiers."
  }

  assert {
    condition     = output.internet_gateway_id == null && output.web_security_group_id == null && output.nat_gateway_ids == [] && output.vpc_endpoint_ids == []
    error_message = "The outputs of what there is not must be null, or empty lists."
  }

  assert {
    condition     = length(aws_flow_log.vpc) == 0 && output.flow_log_id == null && output.flow_log_role_arn == null
    error_message = "Flow logs must be off unless they are switched on."
  }
}

run "each_zone_has_a_public_and_a_private_subnet" {
  assert {
    condition     = aws_subnet.public[*].cidr_block == ["10.0.1.0/24", "10.0.2.0/24"] && aws_subnet.public[*].availability_zone == aws_subnet.private[*].availability_zone
    error_message = "The public subnets must have their ranges, and lie in the zones of the private ones."
  }

  assert {
    condition     = !anytrue(aws_subnet.public[*].map_public_ip_on_launch)
    error_message = "Public subnets must give out no addresses unless that is switched on."
  }

  assert {
    condition     = aws_nat_gateway.private[*].subnet_id == aws_subnet.public[*].id && aws_nat_gateway.private[*].allocation_id == aws_eip.nat[*].id
    error_message = "Each public subnet must have a NAT gateway with an address of its own."
  }

  assert {
    condition = (
      [for table in aws_route_table.private_nat : one(table.route).nat_gateway_id] == aws_nat_gateway.private[*].id &&
      alltrue([for table in aws_route_table.private_nat : one(table.route).cidr_block == "0.0.0.0/0"])
    )
    error_message = "Each private subnet must go out by the NAT gateway of its own zone."
  }

  assert {
    condition     = one(aws_route_table.public[0].route).gateway_id == aws_internet_gateway.public[0].id && length(aws_route_table_association.public) == 2
    error_message = "The public subnets must go out by the internet gateway."
  }

  assert {
    condition     = length(aws_route_table.private) == 0 && aws_route_table_association.private[*].route_table_id == aws_route_table.private_nat[*].id
    error_message = "The private subnets must have the tables with a way out, and no others."
  }
}

run "three_zones" {
  variables {
    private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.11.0/24", "10.0.12.0/24"]
    public_subnet_cidr_blocks  = ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]
  }

  assert {
    condition     = length(aws_nat_gateway.private) == 3 && length(aws_route_table.private_nat) == 3 && length(aws_subnet.public) == 3
    error_message = "As many zones as ranges, each with a NAT gateway."
  }
}

run "the_web_tier_is_open_on_its_ports_and_speaks_to_the_application_alone" {
  assert {
    condition = toset([for rule in aws_security_group.web[0].ingress : "${rule.protocol} ${rule.from_port}-${rule.to_port} ${join(",", rule.cidr_blocks)}"]) == toset([
      "tcp 443-443 0.0.0.0/0", "tcp 80-80 0.0.0.0/0",
    ])
    error_message = "The web tier must admit tcp/443 and tcp/80 from everywhere, and nothing else."
  }

  assert {
    condition = [
      for rule in aws_security_group_rule.tier_egress : "${rule.protocol} ${rule.from_port}-${rule.to_port} ${rule.source_security_group_id}"
      if rule.security_group_id == aws_security_group.web[0].id
    ] == ["tcp 8080-8080 ${aws_security_group.application.id}"]
    error_message = "The web tier must speak to the application tier on tcp/8080, and to nobody else."
  }
}

run "the_application_tier_admits_the_web_tier_and_goes_nowhere_out" {
  assert {
    condition = [
      for rule in aws_security_group.application.ingress :
      "${rule.protocol} ${rule.from_port}-${rule.to_port} ${join(",", rule.security_groups)} ${join(",", rule.cidr_blocks == null ? [] : rule.cidr_blocks)}"
    ] == ["tcp 8080-8080 ${aws_security_group.web[0].id} "]
    error_message = "The application tier must admit tcp/8080 from the web tier, and nothing else."
  }

  assert {
    condition = toset([
      for rule in aws_security_group_rule.tier_egress : "${rule.protocol} ${rule.from_port}-${rule.to_port} ${rule.source_security_group_id}"
      if rule.security_group_id == aws_security_group.application.id
      ]) == toset([
      "tcp 3306-3306 ${aws_security_group.database[0].id}",
      "tcp 5432-5432 ${aws_security_group.database[0].id}",
      "tcp 443-443 ${aws_security_group.endpoints[0].id}",
    ])
    error_message = "The application tier must speak to the database and the endpoints, and to nobody else."
  }

  assert {
    condition     = alltrue([for rule in aws_security_group_rule.tier_egress : rule.cidr_blocks == null && rule.ipv6_cidr_blocks == null])
    error_message = "No rule of a tier may let anything out to addresses."
  }
}

run "the_database_tier_admits_the_application_tier_and_speaks_to_nobody" {
  assert {
    condition = toset([
      for rule in aws_security_group.database[0].ingress :
      "${rule.protocol} ${rule.from_port}-${rule.to_port} ${join(",", rule.security_groups)} ${join(",", rule.cidr_blocks == null ? [] : rule.cidr_blocks)}"
    ]) == toset(["tcp 3306-3306 ${aws_security_group.application.id} ", "tcp 5432-5432 ${aws_security_group.application.id} "])
    error_message = "The database tier must admit tcp/3306 and tcp/5432 from the application tier, and nothing else."
  }

  assert {
    condition     = length(aws_security_group.database[0].egress) == 0 && length(aws_security_group.endpoints[0].egress) == 0
    error_message = "The database tier and the endpoints must speak to nobody."
  }
}

run "the_bastion_is_closed_unless_somebody_is_listed" {
  assert {
    condition     = length(aws_security_group.bastion[0].ingress) == 0 && length(aws_security_group.bastion[0].egress) == 0
    error_message = "The bastion must admit nobody, and speak to nobody."
  }
}

run "the_bastion_admits_whom_is_listed" {
  variables {
    bastion_cidr_blocks = ["203.0.113.0/28", "198.51.100.7/32"]
  }

  assert {
    condition     = toset([for rule in aws_security_group.bastion[0].ingress : "${rule.protocol} ${rule.from_port}-${rule.to_port} ${join(",", rule.cidr_blocks)}"]) == toset(["tcp 22-22 203.0.113.0/28", "tcp 22-22 198.51.100.7/32"])
    error_message = "The bastion must admit SSH from the listed ranges alone."
  }

  assert {
    condition     = aws_security_group_rule.tier_egress["bastion-to-application"].source_security_group_id == aws_security_group.application.id && contains([for rule in aws_security_group.application.ingress : rule.from_port], 22)
    error_message = "SSH must go on from the bastion to the application tier."
  }

  assert {
    condition     = length([for entry in aws_network_acl.tier["public"].ingress : entry if entry.from_port == 22]) == 2 && length([for entry in aws_network_acl.tier["private"].ingress : entry if entry.from_port == 22]) == 0
    error_message = "The public subnets' ACL must let SSH in from the listed ranges."
  }
}

run "machines_get_public_addresses_where_that_is_switched_on" {
  variables {
    public_addresses_on_launch = true
  }

  assert {
    condition     = alltrue(aws_subnet.public[*].map_public_ip_on_launch) && !anytrue(aws_subnet.private[*].map_public_ip_on_launch)
    error_message = "Public subnets must give out addresses, private ones never."
  }
}

run "network_acls_block_ports_before_they_let_answers_back" {
  variables {
    network_acl_blocked_ports = [3389, 23]
  }

  assert {
    condition = alltrue([
      for acl in aws_network_acl.tier :
      [for entry in acl.ingress : entry.from_port if entry.action == "deny"] == [23, 3389] &&
      max([for entry in acl.ingress : entry.rule_no if entry.action == "deny"]...) < one([for entry in acl.ingress : entry.rule_no if entry.to_port == 65535])
    ])
    error_message = "Both ACLs must deny the ports before the entry that lets answers back."
  }

  assert {
    condition     = aws_network_acl.tier["public"].subnet_ids == toset(aws_subnet.public[*].id) && aws_network_acl.tier["private"].subnet_ids == toset(aws_subnet.private[*].id)
    error_message = "Each tier must stand under its own ACL."
  }
}

run "endpoints_reach_the_account_alone" {
  variables {
    gateway_endpoints   = ["s3", "dynamodb"]
    interface_endpoints = ["kms", "logs", "sns", "sqs", "sts", "lambda", "cloudtrail"]
  }

  assert {
    condition = alltrue([
      for endpoint in concat(values(aws_vpc_endpoint.gateway), values(aws_vpc_endpoint.interface)) :
      jsondecode(endpoint.policy).Statement[0].Condition.StringEquals == { "aws:PrincipalAccount" = "123456789012", "aws:ResourceAccount" = "123456789012" }
    ]) && length(aws_vpc_endpoint.gateway) == 2 && length(aws_vpc_endpoint.interface) == 7
    error_message = "Each endpoint's policy must hold who asks, and what is asked for, to the account."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.interface :
      endpoint.private_dns_enabled && endpoint.subnet_ids == toset(aws_subnet.private[*].id) && endpoint.security_group_ids == toset(aws_security_group.endpoints[*].id)
    ])
    error_message = "Interface endpoints must stand in the private subnets, behind their group, under the services' names."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.gateway : endpoint.route_table_ids == toset(aws_route_table.private_nat[*].id)])
    error_message = "The private subnets' tables must lead to the gateway endpoints."
  }

  assert {
    condition     = length(aws_security_group_rule.gateway_endpoint_egress) == 2 && alltrue([for rule in aws_security_group_rule.gateway_endpoint_egress : rule.from_port == 443 && length(rule.prefix_list_ids) == 1 && rule.cidr_blocks == null])
    error_message = "The application tier must speak to the gateway endpoints' addresses, and to no others."
  }
}

run "flow_logs_record_all_traffic_for_a_year" {
  variables {
    flow_logs_enabled = true
  }

  assert {
    condition     = aws_flow_log.vpc[0].traffic_type == "ALL" && aws_flow_log.vpc[0].vpc_id == aws_vpc.audit.id && aws_flow_log.vpc[0].log_destination == aws_cloudwatch_log_group.flow[0].arn
    error_message = "The flow log must record all traffic of the VPC."
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow[0].retention_in_days == 365 && aws_cloudwatch_log_group.flow[0].kms_key_id == var.kms_key_arn
    error_message = "The flow logs must be kept for a year, encrypted with the key."
  }

  assert {
    condition     = output.flow_log_group_name == "/aws/vpc/flow-logs-prod" && strcontains(aws_iam_policy.flow_logs[0].policy, ":log-group:/aws/vpc/flow-logs-prod:*")
    error_message = "The log group must have the name that the key's policy names, and the role may write to it alone."
  }

  assert {
    condition     = jsondecode(aws_iam_role.flow_logs[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "The role must serve the flow logs of this account alone."
  }
}

run "flow_logs_are_kept_as_long_as_asked_for" {
  variables {
    flow_logs_enabled       = true
    flow_log_retention_days = 731
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow[0].retention_in_days == 731
    error_message = "The flow logs must be kept as long as asked for."
  }
}

# --- refused ---------------------------------------------------------------------------------------------------------

run "a_public_range_that_overlaps_a_private_one_is_refused" {
  command = plan

  variables {
    public_subnet_cidr_blocks = ["10.0.1.0/24", "10.0.11.0/25"]
  }

  expect_failures = [aws_subnet.public[1], aws_subnet.private[1]]
}

run "a_public_range_outside_the_vpc_is_refused" {
  command = plan

  variables {
    public_subnet_cidr_blocks = ["10.0.1.0/24", "10.1.2.0/24"]
  }

  expect_failures = [aws_subnet.public[1]]
}

run "a_public_range_that_is_too_small_is_refused" {
  command = plan

  variables {
    public_subnet_cidr_blocks = ["10.0.1.0/24", "10.0.2.0/28"]
  }

  expect_failures = [var.public_subnet_cidr_blocks]
}

run "one_public_subnet_alone_is_refused" {
  command = plan

  variables {
    public_subnet_cidr_blocks = ["10.0.1.0/24"]
  }

  expect_failures = [var.public_subnet_cidr_blocks]
}

run "another_number_of_public_than_of_private_subnets_is_refused" {
  command = plan

  variables {
    public_subnet_cidr_blocks = ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]
  }

  expect_failures = [aws_vpc.audit]
}

run "more_zones_than_the_region_has_are_refused" {
  command = plan

  variables {
    private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.11.0/24", "10.0.12.0/24", "10.0.13.0/24"]
    public_subnet_cidr_blocks  = ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "10.0.4.0/24"]
  }

  expect_failures = [aws_subnet.private, aws_subnet.public]
}

run "a_bastion_without_tiers_is_refused" {
  command = plan

  variables {
    public_subnet_cidr_blocks = []
    bastion_cidr_blocks       = ["203.0.113.0/28"]
  }

  expect_failures = [aws_vpc.audit]
}

run "a_bastion_whose_port_is_blocked_is_refused" {
  command = plan

  variables {
    bastion_cidr_blocks       = ["203.0.113.0/28"]
    network_acl_blocked_ports = [22]
  }

  expect_failures = [aws_vpc.audit]
}

run "a_bastion_open_to_the_world_is_refused" {
  command = plan

  variables {
    bastion_cidr_blocks = ["0.0.0.0/0"]
  }

  expect_failures = [var.bastion_cidr_blocks]
}

run "a_bastion_open_to_half_the_world_is_refused" {
  command = plan

  variables {
    bastion_cidr_blocks = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.bastion_cidr_blocks]
}

run "a_bastion_open_to_the_ipv6_world_is_refused" {
  command = plan

  variables {
    bastion_cidr_blocks = ["::/0"]
  }

  expect_failures = [var.bastion_cidr_blocks]
}

run "more_bastion_ranges_than_an_acl_holds_are_refused" {
  command = plan

  variables {
    bastion_cidr_blocks = ["203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32", "203.0.113.4/32", "203.0.113.5/32", "203.0.113.6/32"]
  }

  expect_failures = [var.bastion_cidr_blocks]
}

run "a_blocked_port_that_the_web_tier_serves_is_refused" {
  command = plan

  variables {
    network_acl_blocked_ports = [443]
  }

  expect_failures = [var.network_acl_blocked_ports]
}

run "a_blocked_port_that_answers_come_to_is_refused" {
  command = plan

  variables {
    network_acl_blocked_ports = [50000]
  }

  expect_failures = [var.network_acl_blocked_ports]
}

run "more_blocked_ports_than_an_acl_holds_are_refused" {
  command = plan

  variables {
    network_acl_blocked_ports = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  }

  expect_failures = [var.network_acl_blocked_ports]
}

run "a_gateway_endpoint_that_there_is_not_is_refused" {
  command = plan

  variables {
    gateway_endpoints = ["kms"]
  }

  expect_failures = [var.gateway_endpoints]
}

run "an_interface_endpoint_that_nobody_needs_is_refused" {
  command = plan

  variables {
    interface_endpoints = ["ec2"]
  }

  expect_failures = [var.interface_endpoints]
}

run "a_retention_of_flow_logs_that_cloudwatch_does_not_know_is_refused" {
  command = plan

  variables {
    flow_logs_enabled       = true
    flow_log_retention_days = 364
  }

  expect_failures = [var.flow_log_retention_days]
}
