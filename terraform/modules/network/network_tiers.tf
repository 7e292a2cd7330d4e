# The network in tiers: public subnets with a gateway to the internet, and a NAT gateway in each zone for the private ones.
# It is there exactly if public_subnet_cidr_blocks is not empty, so that no switch can contradict the ranges.
#
# The private subnets have a way out, and the application and the database tier have none all the same: whether a machine goes
# out is decided by its security groups. No group of a tier lets anything out to addresses; each names the groups that it
# speaks to, and the prefix lists of the gateway endpoints, whose routes lead to the endpoint and not to a NAT gateway. A
# machine that has to go out (to fetch its updates, say) takes a group of its own for it, which then says so.

locals {
  tiered = length(var.public_subnet_cidr_blocks) > 0

  # One of each is in a zone; `tiers` counts what there is one of.
  tiers = local.tiered ? 1 : 0

  private_route_table_ids = concat(aws_route_table.private[*].id, aws_route_table.private_nat[*].id)
}

# --- Ways in and out -------------------------------------------------------------------------------------------------

resource "aws_internet_gateway" "public" {
  count = local.tiers

  vpc_id = aws_vpc.audit.id

  tags = { Name = "internet-gateway-public-${var.environment}" }
}

resource "aws_subnet" "public" {
  count = length(var.public_subnet_cidr_blocks)

  vpc_id                  = aws_vpc.audit.id
  cidr_block              = var.public_subnet_cidr_blocks[count.index]
  availability_zone       = try(data.aws_availability_zones.available.names[count.index], null)
  map_public_ip_on_launch = var.public_addresses_on_launch

  tags = { Name = "subnet-public-${count.index + 1}-${var.environment}" }

  lifecycle {
    precondition {
      condition     = local.subnet_inside_vpc[length(var.private_subnet_cidr_blocks) + count.index]
      error_message = "The public subnet ${var.public_subnet_cidr_blocks[count.index]} does not lie inside the VPC's range ${var.vpc_cidr_block}."
    }

    precondition {
      condition     = !local.subnet_overlaps_another[length(var.private_subnet_cidr_blocks) + count.index]
      error_message = "The public subnet ${var.public_subnet_cidr_blocks[count.index]} overlaps another subnet: give each a range of its own."
    }

    precondition {
      condition     = length(var.public_subnet_cidr_blocks) <= length(data.aws_availability_zones.available.names)
      error_message = "The region ${local.region} has fewer availability zones than there are public subnets: give fewer ranges, or choose another region."
    }
  }
}

resource "aws_route_table" "public" {
  count = local.tiers

  vpc_id = aws_vpc.audit.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.public[0].id
  }

  tags = { Name = "route-table-public-${var.environment}" }
}

resource "aws_route_table_association" "public" {
  count = length(var.public_subnet_cidr_blocks)

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  count = length(var.public_subnet_cidr_blocks)

  domain = "vpc"

  tags = { Name = "elastic-ip-nat-${count.index + 1}-${var.environment}" }
}

# One a zone: a zone that fails takes the way out from no other, and nobody pays for traffic between zones.
resource "aws_nat_gateway" "private" {
  count = length(var.public_subnet_cidr_blocks)

  allocation_id     = aws_eip.nat[count.index].id
  connectivity_type = "public"
  subnet_id         = aws_subnet.public[count.index].id

  tags = { Name = "nat-gateway-private-${count.index + 1}-${var.environment}" }

  # It works from when its subnet has a route to the internet.
  depends_on = [aws_internet_gateway.public]
}

resource "aws_route_table" "private_nat" {
  count = local.tiered ? length(var.private_subnet_cidr_blocks) : 0

  vpc_id = aws_vpc.audit.id

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = try(aws_nat_gateway.private[count.index].id, null)
  }

  tags = { Name = "route-table-private-${count.index + 1}-${var.environment}" }
}

# --- Whom each tier admits, and whom it speaks to --------------------------------------------------------------------

# Groups that name each other would make a circle: whom a group admits is written inside it, where a rule opened by hand is
# drift, and whom it speaks to in rules of their own. A rule to the outside that is added by hand is no drift, therefore:
# the verification finds it. A group that speaks to nobody says so inside.

locals {
  web_ports         = { HTTPS = 443, "HTTP, to be sent on to HTTPS" = 80 }
  application_port  = 8080
  database_ports    = { MySQL = 3306, PostgreSQL = 5432 }
  anywhere          = "0.0.0.0/0"
  bastion_in_use    = length(var.bastion_cidr_blocks) > 0
  bastion_group_ids = local.bastion_in_use ? aws_security_group.bastion[*].id : []

  application_ingress = concat(
    [for block in [aws_vpc.audit.cidr_block] : {
      description = "HTTPS from the VPC", port = 443, cidr_blocks = [block], security_groups = []
    } if !local.tiered],
    [for group in aws_security_group.web[*].id : {
      description = "Requests from the web tier", port = local.application_port, cidr_blocks = [], security_groups = [group]
    }],
    [for group in local.bastion_group_ids : {
      description = "SSH from the bastion", port = 22, cidr_blocks = [], security_groups = [group]
    }],
  )
}

resource "aws_security_group" "web" {
  count = local.tiers

  name        = "security-group-web-${var.environment}"
  description = "Web tier: HTTPS and HTTP from the internet"
  vpc_id      = aws_vpc.audit.id

  dynamic "ingress" {
    for_each = local.web_ports

    content {
      description = ingress.key
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = [local.anywhere]
    }
  }

  tags = { Name = "security-group-web-${var.environment}" }
}

resource "aws_security_group" "database" {
  count = local.tiers

  name        = "security-group-database-${var.environment}"
  description = "Database tier: MySQL and PostgreSQL from the application tier"
  vpc_id      = aws_vpc.audit.id

  dynamic "ingress" {
    for_each = local.database_ports

    content {
      description     = "${ingress.key} from the application tier"
      protocol        = "tcp"
      from_port       = ingress.value
      to_port         = ingress.value
      security_groups = [aws_security_group.application.id]
    }
  }

  egress = []

  tags = { Name = "security-group-database-${var.environment}" }
}

# With nobody to admit it admits nobody, and speaks to nobody. With somebody, SSH goes on to the application tier, which
# admits it then; the database tier is reached by the application tier alone.
resource "aws_security_group" "bastion" {
  count = local.tiers

  name        = "security-group-bastion-${var.environment}"
  description = "Bastion: SSH from listed addresses"
  vpc_id      = aws_vpc.audit.id

  ingress = [for block in sort(var.bastion_cidr_blocks) : {
    description      = "SSH from ${block}"
    protocol         = "tcp"
    from_port        = 22
    to_port          = 22
    cidr_blocks      = [block]
    ipv6_cidr_blocks = []
    prefix_list_ids  = []
    security_groups  = []
    self             = false
  }]

  # Null leaves it to the rule below; an empty list states that there is none.
  egress = local.bastion_in_use ? null : []

  tags = { Name = "security-group-bastion-${var.environment}" }
}

resource "aws_security_group" "endpoints" {
  count = local.tiers

  name        = "security-group-endpoints-${var.environment}"
  description = "Endpoints of AWS services: HTTPS from the application tier"
  vpc_id      = aws_vpc.audit.id

  ingress {
    description     = "HTTPS from the application tier"
    protocol        = "tcp"
    from_port       = 443
    to_port         = 443
    security_groups = [aws_security_group.application.id]
  }

  egress = []

  tags = { Name = "security-group-endpoints-${var.environment}" }
}

locals {
  # Whom a tier speaks to: from which group, to which, by which port. Keys stay when the groups are new.
  tier_egress = !local.tiered ? {} : merge(
    {
      web-to-application = {
        from = aws_security_group.web[0].id, to = aws_security_group.application.id, port = local.application_port, description = "Requests to the application tier"
      }
      application-to-endpoints = {
        from = aws_security_group.application.id, to = aws_security_group.endpoints[0].id, port = 443, description = "HTTPS to the endpoints of AWS services"
      }
    },
    {
      for name, port in local.database_ports : "application-to-database-${port}" => {
        from = aws_security_group.application.id, to = aws_security_group.database[0].id, port = port, description = "${name} to the database tier"
      }
    },
    {
      for group in local.bastion_in_use ? ["application"] : [] : "bastion-to-${group}" => {
        from = aws_security_group.bastion[0].id, to = aws_security_group.application.id, port = 22, description = "SSH to the application tier"
      }
    },
  )
}

# Rules of this type bear no tags of their own: they are parts of their group, which does.
resource "aws_security_group_rule" "tier_egress" {
  for_each = local.tier_egress

  type                     = "egress"
  description              = each.value.description
  security_group_id        = each.value.from
  protocol                 = "tcp"
  from_port                = each.value.port
  to_port                  = each.value.port
  source_security_group_id = each.value.to
}

resource "aws_security_group_rule" "gateway_endpoint_egress" {
  for_each = local.tiered ? var.gateway_endpoints : []

  type              = "egress"
  description       = "HTTPS to ${each.key} by its gateway endpoint"
  security_group_id = aws_security_group.application.id
  protocol          = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_ids   = [aws_vpc_endpoint.gateway[each.key].prefix_list_id]
}

# --- Network ACLs ----------------------------------------------------------------------------------------------------

# The default ACL admits the VPC alone, which is too little for a tier that serves the internet. ACLs know no connections:
# what comes back has to be let in by its port, which is any from 1024 on for NAT gateways, load balancers and functions. That is why
# the ports of services that are attacked most, and lie among these, are closed before: a connection that happens to use one
# of them as its own port is lost, one in sixty thousand, and is tried again by another.

locals {
  tier_network_acl_entries = concat(
    [{ number = 100, action = "allow", protocol = "-1", from = 0, to = 0, block = aws_vpc.audit.cidr_block, icmp_type = null, icmp_code = null }],
    [for index, port in sort(formatlist("%05d", var.network_acl_blocked_ports)) : {
      number = 200 + index, action = "deny", protocol = "6", from = tonumber(port), to = tonumber(port), block = local.anywhere, icmp_type = null, icmp_code = null
    }],
    [
      { number = 400, action = "allow", protocol = "6", from = 1024, to = 65535, block = local.anywhere, icmp_type = null, icmp_code = null },
      # "Fragmentation needed": without it, large packets of a connection are lost.
      { number = 410, action = "allow", protocol = "1", from = 0, to = 0, block = local.anywhere, icmp_type = 3, icmp_code = 4 },
    ],
  )

  public_network_acl_entries = concat(
    [for index, port in sort(formatlist("%05d", values(local.web_ports))) : {
      number = 300 + index, action = "allow", protocol = "6", from = tonumber(port), to = tonumber(port), block = local.anywhere, icmp_type = null, icmp_code = null
    }],
    [for index, block in sort(var.bastion_cidr_blocks) : {
      number = 310 + index, action = "allow", protocol = "6", from = 22, to = 22, block = block, icmp_type = null, icmp_code = null
    }],
  )

  tier_network_acls = !local.tiered ? {} : {
    public  = { subnets = aws_subnet.public[*].id, entries = concat(local.tier_network_acl_entries, local.public_network_acl_entries) }
    private = { subnets = aws_subnet.private[*].id, entries = local.tier_network_acl_entries }
  }
}

resource "aws_network_acl" "tier" {
  #checkov:skip=CKV2_AWS_1:Each has the subnets of its tier; inside a module checkov does not follow a local to them.
  for_each = local.tier_network_acls

  vpc_id     = aws_vpc.audit.id
  subnet_ids = each.value.subnets

  dynamic "ingress" {
    for_each = each.value.entries

    content {
      rule_no    = ingress.value.number
      action     = ingress.value.action
      protocol   = ingress.value.protocol
      from_port  = ingress.value.from
      to_port    = ingress.value.to
      cidr_block = ingress.value.block
      icmp_type  = ingress.value.icmp_type
      icmp_code  = ingress.value.icmp_code
    }
  }

  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    from_port  = 0
    to_port    = 0
    cidr_block = local.anywhere
  }

  tags = { Name = "network-acl-${each.key}-${var.environment}" }
}
