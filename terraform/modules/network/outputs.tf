# Where things are; null, or an empty list, for what the variables ask not to be there.

output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.audit.id
}

output "vpc_arn" {
  description = "ARN of the VPC."
  value       = aws_vpc.audit.arn
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, in the order of their ranges."
  value       = aws_subnet.private[*].id
}

output "private_route_table_ids" {
  description = "IDs of the private subnets' route tables, in the same order."
  value       = local.private_route_table_ids
}

output "application_security_group_id" {
  description = "ID of the application tier's security group."
  value       = aws_security_group.application.id
}

output "default_security_group_id" {
  description = "ID of the VPC's default security group."
  value       = aws_default_security_group.closed.id
}

# --- The network in tiers --------------------------------------------------------------------------------------------

output "public_subnet_ids" {
  description = "IDs of the public subnets, in the order of their ranges."
  value       = aws_subnet.public[*].id
}

output "public_route_table_ids" {
  description = "IDs of the public subnets' route tables; one serves them all."
  value       = aws_route_table.public[*].id
}

output "internet_gateway_id" {
  description = "ID of the internet gateway."
  value       = one(aws_internet_gateway.public[*].id)
}

output "nat_gateway_ids" {
  description = "IDs of the NAT gateways, in the order of the public subnets."
  value       = aws_nat_gateway.private[*].id
}

output "nat_address_ids" {
  description = "Allocation IDs of the NAT gateways' public addresses, in the same order."
  value       = aws_eip.nat[*].id
}

output "web_security_group_id" {
  description = "ID of the web tier's security group."
  value       = one(aws_security_group.web[*].id)
}

output "database_security_group_id" {
  description = "ID of the database tier's security group."
  value       = one(aws_security_group.database[*].id)
}

output "bastion_security_group_id" {
  description = "ID of the bastion's security group."
  value       = one(aws_security_group.bastion[*].id)
}

output "endpoints_security_group_id" {
  description = "ID of the security group of the interface endpoints."
  value       = one(aws_security_group.endpoints[*].id)
}

output "network_acl_ids" {
  description = "IDs of the network ACLs of the tiers, public and private."
  value       = [for tier in sort(keys(aws_network_acl.tier)) : aws_network_acl.tier[tier].id]
}

output "vpc_endpoint_ids" {
  description = "IDs of the endpoints of AWS services, gateway endpoints first."
  value = concat(
    [for service in sort(keys(aws_vpc_endpoint.gateway)) : aws_vpc_endpoint.gateway[service].id],
    [for service in sort(keys(aws_vpc_endpoint.interface)) : aws_vpc_endpoint.interface[service].id],
  )
}

output "gateway_endpoint_prefix_list_ids" {
  description = "IDs of AWS's own prefix lists of the services that have a gateway endpoint."
  value       = [for service in sort(keys(aws_vpc_endpoint.gateway)) : aws_vpc_endpoint.gateway[service].prefix_list_id]
}

# --- Flow logs -------------------------------------------------------------------------------------------------------

output "flow_log_id" {
  description = "ID of the VPC's flow log."
  value       = one(aws_flow_log.vpc[*].id)
}

output "flow_log_group_name" {
  description = "Name of the log group that holds the VPC's flow logs."
  value       = one(aws_cloudwatch_log_group.flow[*].name)
}

output "flow_log_group_arn" {
  description = "ARN of the log group that holds the VPC's flow logs."
  value       = one(aws_cloudwatch_log_group.flow[*].arn)
}

output "flow_log_role_arn" {
  description = "ARN of the role with which VPC Flow Logs writes to its log group."
  value       = one(aws_iam_role.flow_logs[*].arn)
}
