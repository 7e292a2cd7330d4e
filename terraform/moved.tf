# What an earlier release had in the root is in a module now: Terraform takes it along instead of making it anew.

moved {
  from = aws_vpc.audit
  to   = module.network[0].aws_vpc.audit
}

moved {
  from = aws_subnet.private
  to   = module.network[0].aws_subnet.private
}

moved {
  from = aws_route_table.private
  to   = module.network[0].aws_route_table.private
}

moved {
  from = aws_route_table_association.private
  to   = module.network[0].aws_route_table_association.private
}

moved {
  from = aws_default_security_group.closed
  to   = module.network[0].aws_default_security_group.closed
}

moved {
  from = aws_default_route_table.main
  to   = module.network[0].aws_default_route_table.main
}

moved {
  from = aws_default_network_acl.default
  to   = module.network[0].aws_default_network_acl.default
}

moved {
  from = aws_security_group.application
  to   = module.network[0].aws_security_group.application
}

moved {
  from = aws_internet_gateway.public
  to   = module.network[0].aws_internet_gateway.public
}

moved {
  from = aws_subnet.public
  to   = module.network[0].aws_subnet.public
}

moved {
  from = aws_route_table.public
  to   = module.network[0].aws_route_table.public
}

moved {
  from = aws_route_table_association.public
  to   = module.network[0].aws_route_table_association.public
}

moved {
  from = aws_eip.nat
  to   = module.network[0].aws_eip.nat
}

moved {
  from = aws_nat_gateway.private
  to   = module.network[0].aws_nat_gateway.private
}

moved {
  from = aws_route_table.private_nat
  to   = module.network[0].aws_route_table.private_nat
}

moved {
  from = aws_security_group.web
  to   = module.network[0].aws_security_group.web
}

moved {
  from = aws_security_group.database
  to   = module.network[0].aws_security_group.database
}

moved {
  from = aws_security_group.bastion
  to   = module.network[0].aws_security_group.bastion
}

moved {
  from = aws_security_group.endpoints
  to   = module.network[0].aws_security_group.endpoints
}

moved {
  from = aws_security_group_rule.tier_egress
  to   = module.network[0].aws_security_group_rule.tier_egress
}

moved {
  from = aws_security_group_rule.gateway_endpoint_egress
  to   = module.network[0].aws_security_group_rule.gateway_endpoint_egress
}

moved {
  from = aws_network_acl.tier
  to   = module.network[0].aws_network_acl.tier
}

moved {
  from = aws_vpc_endpoint.gateway
  to   = module.network[0].aws_vpc_endpoint.gateway
}

moved {
  from = aws_vpc_endpoint.interface
  to   = module.network[0].aws_vpc_endpoint.interface
}

moved {
  from = aws_cloudwatch_log_group.flow
  to   = module.network[0].aws_cloudwatch_log_group.flow
}

moved {
  from = aws_iam_role.flow_logs
  to   = module.network[0].aws_iam_role.flow_logs
}

moved {
  from = aws_iam_policy.flow_logs
  to   = module.network[0].aws_iam_policy.flow_logs
}

moved {
  from = aws_iam_role_policy_attachment.flow_logs
  to   = module.network[0].aws_iam_role_policy_attachment.flow_logs
}

moved {
  from = aws_flow_log.vpc
  to   = module.network[0].aws_flow_log.vpc
}
