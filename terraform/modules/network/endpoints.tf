# Ways from the private subnets to AWS's services that do not touch the internet.

locals {
  # Through an endpoint, people and roles of this account alone reach what is this account's: neither can somebody who got
  # into a machine carry data to an account of their own, nor can credentials of another account be used here.
  endpoint_policies = {
    for service in setunion(var.gateway_endpoints, var.interface_endpoints) : service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "AccountReachesItsOwn"
        Effect    = "Allow"
        Principal = "*"
        Action    = "${service}:*"
        Resource  = "*"
        Condition = {
          StringEquals = {
            "aws:PrincipalAccount" = local.account_id
            "aws:ResourceAccount"  = local.account_id
          }
        }
      }]
    })
  }
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = local.tiered ? var.gateway_endpoints : []

  vpc_id            = aws_vpc.audit.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${local.region}.${each.key}"
  route_table_ids   = local.private_route_table_ids
  policy            = local.endpoint_policies[each.key]

  tags = { Name = "vpc-endpoint-${each.key}-${var.environment}" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.tiered ? var.interface_endpoints : []

  vpc_id              = aws_vpc.audit.id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  subnet_ids          = aws_subnet.private[*].id
  security_group_ids  = aws_security_group.endpoints[*].id
  private_dns_enabled = true # so that programs find the endpoint by the service's own name
  policy              = local.endpoint_policies[each.key]

  tags = { Name = "vpc-endpoint-${each.key}-${var.environment}" }
}
