# A private network with no way to or from the internet: no internet gateway, no NAT gateway, no default route.

resource "aws_vpc" "audit" {
  cidr_block           = var.vpc_cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = "vpc-audit-${var.environment}" }
}

locals {
  vpc_prefix_length = tonumber(split("/", var.vpc_cidr_block)[1])

  # The length of the subnets' prefixes, and whether the subnet lies inside the VPC: widened to the VPC's prefix, it must
  # give the VPC's own network.
  subnet_prefix_lengths = [for block in var.private_subnet_cidr_blocks : tonumber(split("/", block)[1])]
  subnet_inside_vpc = [
    for index, block in var.private_subnet_cidr_blocks :
    local.subnet_prefix_lengths[index] >= local.vpc_prefix_length &&
    cidrsubnet("${split("/", block)[0]}/${local.vpc_prefix_length}", 0, 0) == var.vpc_cidr_block
  ]

  # Two ranges overlap exactly if they are the same network once both are widened to the shorter prefix of the two.
  subnet_overlaps_another = [
    for index, block in var.private_subnet_cidr_blocks :
    anytrue([
      for other_index, other in var.private_subnet_cidr_blocks :
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
      error_message = "The private subnet ${var.private_subnet_cidr_blocks[count.index]} overlaps another of the private subnets."
    }

    precondition {
      condition     = length(var.private_subnet_cidr_blocks) <= length(data.aws_availability_zones.available.names)
      error_message = "The region ${var.region} has fewer availability zones than there are private subnets."
    }
  }
}

# The route tables hold the VPC's local route alone. `route = []` states that: a route that somebody adds is drift.
resource "aws_route_table" "private" {
  count = length(var.private_subnet_cidr_blocks)

  vpc_id = aws_vpc.audit.id
  route  = []

  tags = { Name = "route-table-private-${count.index + 1}-${var.environment}" }
}

resource "aws_route_table_association" "private" {
  count = length(var.private_subnet_cidr_blocks)

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
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
# drift and the next apply closes it. Rules as resources of their own would leave it standing.
resource "aws_security_group" "application" {
  name        = "security-group-application-${var.environment}"
  description = "Application tier: HTTPS from inside the VPC"
  vpc_id      = aws_vpc.audit.id

  ingress {
    description = "HTTPS from the VPC"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = [aws_vpc.audit.cidr_block]
  }

  egress {
    description = "All outbound traffic"
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = { Name = "security-group-application-${var.environment}" }
}
