# A private network with no way to or from the internet: no internet gateway, no NAT gateway, no default route. Where public
# subnets are asked for, network_tiers.tf puts the tiers on it.

resource "aws_vpc" "audit" {
  cidr_block           = var.vpc_cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = "vpc-audit-${var.environment}" }

  lifecycle {
    precondition {
      condition = local.tiered || (
        length(var.bastion_cidr_blocks) + length(var.gateway_endpoints) + length(var.interface_endpoints) + length(var.network_acl_blocked_ports) == 0
        && !var.public_addresses_on_launch
      )
      error_message = "bastion_cidr_blocks, gateway_endpoints, interface_endpoints, network_acl_blocked_ports and public_addresses_on_launch belong to the network in tiers: give public_subnet_cidr_blocks as well, or leave them out."
    }

    precondition {
      condition     = !local.tiered || length(var.public_subnet_cidr_blocks) == length(var.private_subnet_cidr_blocks)
      error_message = "There are ${length(var.public_subnet_cidr_blocks)} public and ${length(var.private_subnet_cidr_blocks)} private subnets: give as many of the one as of the other, one of each in a zone, for each private subnet goes out by the NAT gateway of its own zone."
    }

    precondition {
      condition     = length(var.bastion_cidr_blocks) == 0 || !contains(var.network_acl_blocked_ports, 22)
      error_message = "network_acl_blocked_ports blocks port 22, by which bastion_cidr_blocks admits SSH: leave out one of the two."
    }
  }
}

locals {
  vpc_prefix_length = tonumber(split("/", var.vpc_cidr_block)[1])

  # All subnets, private ones first: the length of their prefixes, and whether each lies inside the VPC: widened to the
  # VPC's prefix, it must give the VPC's own network.
  subnet_cidr_blocks    = concat(var.private_subnet_cidr_blocks, var.public_subnet_cidr_blocks)
  subnet_prefix_lengths = [for block in local.subnet_cidr_blocks : tonumber(split("/", block)[1])]
  subnet_inside_vpc = [
    for index, block in local.subnet_cidr_blocks :
    local.subnet_prefix_lengths[index] >= local.vpc_prefix_length &&
    cidrsubnet("${split("/", block)[0]}/${local.vpc_prefix_length}", 0, 0) == var.vpc_cidr_block
  ]

  # Two ranges overlap exactly if they are the same network once both are widened to the shorter prefix of the two.
  subnet_overlaps_another = [
    for index, block in local.subnet_cidr_blocks :
    anytrue([
      for other_index, other in local.subnet_cidr_blocks :
      other_index != index && (
        cidrsubnet("${split("/", block)[0]}/${min(local.subnet_prefix_lengths[index], local.subnet_prefix_lengths[other_index])}", 0, 0) ==
        cidrsubnet("${split("/", other)[0]}/${min(local.subnet_prefix_lengths[index], local.subnet_prefix_lengths[other_index])}", 0, 0)
      )
    ])
  ]
}

resource "aws_subnet" "private" {
  count = length(var.private_subnet_cidr_blocks)

  vpc_id                  = aws_vpc.audit.id
  cidr_block              = var.private_subnet_cidr_blocks[count.index]
  availability_zone       = data.aws_availability_zones.available.names[count.index]
  map_public_ip_on_launch = false

  tags = { Name = "subnet-private-${count.index + 1}-${var.environment}" }

  lifecycle {
    precondition {
      condition     = local.subnet_inside_vpc[count.index]
      error_message = "The private subnet ${var.private_subnet_cidr_blocks[count.index]} does not lie inside the VPC's range ${var.vpc_cidr_block}."
    }

    precondition {
      condition     = !local.subnet_overlaps_another[count.index]
      error_message = "The private subnet ${var.private_subnet_cidr_blocks[count.index]} overlaps another subnet: give each a range of its own."
    }

    precondition {
      condition     = length(var.private_subnet_cidr_blocks) <= length(data.aws_availability_zones.available.names)
      error_message = "The region ${local.region} has fewer availability zones than there are private subnets."
    }
  }
}

# The route tables hold the VPC's local route alone. `route = []` states that: a route that somebody adds is drift.
# (A table with a way out is another resource, in network_tiers.tf: blocks that are left out would state nothing.)
resource "aws_route_table" "private" {
  count = local.tiered ? 0 : length(var.private_subnet_cidr_blocks)

  vpc_id = aws_vpc.audit.id
  route  = []

  tags = { Name = "route-table-private-${count.index + 1}-${var.environment}" }
}

resource "aws_route_table_association" "private" {
  count = length(var.private_subnet_cidr_blocks)

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = local.private_route_table_ids[count.index]
}

# AWS creates these three with the VPC, open and without tags. They are taken over to be closed and tagged.
resource "aws_default_security_group" "closed" {
  vpc_id  = aws_vpc.audit.id
  ingress = []
  egress  = []

  tags = { Name = "security-group-default-${var.environment}" }
}

resource "aws_default_route_table" "main" {
  default_route_table_id = aws_vpc.audit.default_route_table_id
  route                  = []

  tags = { Name = "route-table-main-${var.environment}" }
}

resource "aws_default_network_acl" "default" {
  default_network_acl_id = aws_vpc.audit.default_network_acl_id

  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = aws_vpc.audit.cidr_block
  }

  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = "0.0.0.0/0"
  }

  tags = { Name = "network-acl-default-${var.environment}" }

  # Subnets join the default ACL by themselves, and leave it only for another.
  lifecycle {
    ignore_changes = [subnet_ids]
  }
}

# The rules are written inside the group because they are then the group's only rules: a rule opened by hand shows up as
# drift and the next apply closes it. Rules as resources of their own would leave it standing. In the network in tiers what
# goes out is in resources of its own all the same (network_tiers.tf): groups cannot name each other.
resource "aws_security_group" "application" {
  name        = "security-group-application-${var.environment}"
  description = local.tiered ? "Application tier: requests from the web tier" : "Application tier: HTTPS from inside the VPC"
  vpc_id      = aws_vpc.audit.id

  dynamic "ingress" {
    for_each = local.application_ingress

    content {
      description     = ingress.value.description
      protocol        = "tcp"
      from_port       = ingress.value.port
      to_port         = ingress.value.port
      cidr_blocks     = ingress.value.cidr_blocks
      security_groups = ingress.value.security_groups
    }
  }

  dynamic "egress" {
    for_each = local.tiered ? [] : ["0.0.0.0/0"]

    content {
      description = "All outbound traffic"
      protocol    = "-1"
      from_port   = 0
      to_port     = 0
      cidr_blocks = [egress.value]
    }
  }

  tags = { Name = "security-group-application-${var.environment}" }
}
