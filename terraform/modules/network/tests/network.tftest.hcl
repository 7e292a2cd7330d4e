mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  environment                = "dev"
  kms_key_arn                = "arn:aws:kms:ap-southeast-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  permissions_boundary_arn   = null
  vpc_cidr_block             = "10.0.0.0/16"
  private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.20.0/24"]
  public_subnet_cidr_blocks  = []
  public_addresses_on_launch = false
  bastion_cidr_blocks        = []
  network_acl_blocked_ports  = []
  gateway_endpoints          = []
  interface_endpoints        = []
  flow_logs_enabled          = false
  flow_log_group_name        = "/aws/vpc/flow-logs-prod"
  flow_log_retention_days    = 365
}

run "the_network_is_private" {
  assert {
    condition     = aws_vpc.audit.cidr_block == "10.0.0.0/16" && aws_vpc.audit.enable_dns_support && aws_vpc.audit.enable_dns_hostnames
    error_message = "The VPC must be 10.0.0.0/16 with DNS support and host names."
  }

  assert {
    condition     = aws_subnet.private[*].cidr_block == ["10.0.10.0/24", "10.0.20.0/24"]
    error_message = "The private subnets must be 10.0.10.0/24 and 10.0.20.0/24."
  }

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["ap-southeast-1a", "ap-southeast-1b"]
    error_message = "The subnets must lie in the region's first two zones."
  }

  assert {
    condition     = !anytrue(aws_subnet.private[*].map_public_ip_on_launch)
    error_message = "No subnet may give out public addresses."
  }

  assert {
    condition     = alltrue([for table in aws_route_table.private : length(table.route) == 0]) && length(aws_default_route_table.main.route) == 0
    error_message = "No route table may hold a route besides the local one."
  }

  assert {
    condition     = length(aws_route_table.private) == 2 && length(aws_route_table_association.private) == 2
    error_message = "Each private subnet must have a route table of its own."
  }
}

run "the_application_group_admits_https_from_the_vpc_alone" {
  assert {
    condition = toset([
      for rule in aws_security_group.application.ingress :
      "${rule.protocol} ${rule.from_port}-${rule.to_port} ${join(",", flatten([
        for sources in [rule.cidr_blocks, rule.ipv6_cidr_blocks, rule.prefix_list_ids, rule.security_groups, [for self in [rule.self] : "self" if coalesce(self, false)]] :
        sources == null ? [] : tolist(sources)
      ]))}"
    ]) == toset(["tcp 443-443 10.0.0.0/16"])
    error_message = "The only ingress rule must be tcp/443 from 10.0.0.0/16."
  }

  assert {
    condition     = toset([for rule in aws_security_group.application.egress : "${rule.protocol} ${join(",", rule.cidr_blocks)}"]) == toset(["-1 0.0.0.0/0"])
    error_message = "The only egress rule must be all traffic."
  }

  assert {
    condition     = aws_security_group.application.name == "security-group-application-dev"
    error_message = "AWS refuses a group name that begins with sg-."
  }
}

run "the_application_group_follows_the_vpc" {
  variables {
    vpc_cidr_block             = "172.20.0.0/20"
    private_subnet_cidr_blocks = ["172.20.0.0/24", "172.20.1.0/24", "172.20.8.0/21"]
  }

  assert {
    condition     = toset(flatten([for rule in aws_security_group.application.ingress : rule.cidr_blocks])) == toset(["172.20.0.0/20"])
    error_message = "HTTPS must come from the VPC's own range, whatever it is."
  }

  assert {
    condition     = length(aws_subnet.private) == 3 && length(aws_route_table.private) == 3
    error_message = "There must be a subnet and a route table for each range."
  }
}

run "names_follow_the_environment" {
  variables {
    environment = "staging"
  }

  assert {
    condition     = aws_vpc.audit.tags.Name == "vpc-audit-staging" && aws_security_group.application.name == "security-group-application-staging"
    error_message = "A name does not follow <resource-type>-<purpose>-<environment>."
  }
}

run "the_default_group_is_closed" {
  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default security group must hold no rule."
  }
}

run "a_subnet_outside_the_vpc_is_refused" {
  command = plan

  variables {
    private_subnet_cidr_blocks = ["10.0.10.0/24", "10.1.0.0/24"]
  }

  expect_failures = [aws_subnet.private[1]]
}

run "a_subnet_larger_than_the_vpc_is_refused" {
  command = plan

  variables {
    vpc_cidr_block             = "10.0.0.0/24"
    private_subnet_cidr_blocks = ["10.0.0.0/25", "10.0.0.0/16"]
  }

  expect_failures = [aws_subnet.private]
}

run "overlapping_subnets_are_refused" {
  command = plan

  variables {
    private_subnet_cidr_blocks = ["10.0.8.0/22", "10.0.10.0/24"]
  }

  expect_failures = [aws_subnet.private]
}

run "more_subnets_than_zones_are_refused" {
  command = plan

  variables {
    private_subnet_cidr_blocks = ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "10.0.4.0/24"]
  }

  expect_failures = [aws_subnet.private]
}

run "bad_ranges_are_refused" {
  command = plan

  variables {
    vpc_cidr_block             = "10.0.0.0/8"
    private_subnet_cidr_blocks = ["10.0.10.0/24"]
  }

  expect_failures = [var.vpc_cidr_block, var.private_subnet_cidr_blocks]
}

run "hosts_for_networks_are_refused" {
  command = plan

  variables {
    vpc_cidr_block             = "10.0.1.0/16"
    private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.20.5/24"]
  }

  expect_failures = [var.vpc_cidr_block, var.private_subnet_cidr_blocks]
}

run "public_and_ipv6_ranges_are_refused" {
  command = plan

  variables {
    vpc_cidr_block             = "8.8.0.0/16"
    private_subnet_cidr_blocks = ["fd00::/64", "10.0.10.0/24"]
  }

  expect_failures = [var.vpc_cidr_block, var.private_subnet_cidr_blocks]
}

run "small_ranges_are_accepted" {
  command = plan

  variables {
    vpc_cidr_block             = "192.168.128.0/24"
    private_subnet_cidr_blocks = ["192.168.128.0/28", "192.168.128.240/28"]
  }

  assert {
    condition     = aws_subnet.private[*].cidr_block == ["192.168.128.0/28", "192.168.128.240/28"]
    error_message = "Ranges within the rules must give a plan."
  }
}
