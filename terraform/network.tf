# The network (modules/network), unless the trail stands without one. Beyond the VPC that verification opens its test rule in,
# nothing else of the audit trail needs it.

module "network" {
  source = "./modules/network"
  count  = local.network_made ? 1 : 0

  environment = var.environment

  vpc_cidr_block             = var.vpc_cidr_block
  private_subnet_cidr_blocks = var.private_subnet_cidr_blocks
  public_subnet_cidr_blocks  = var.public_subnet_cidr_blocks
  public_addresses_on_launch = var.public_addresses_on_launch
  bastion_cidr_blocks        = var.bastion_cidr_blocks
  network_acl_blocked_ports  = var.network_acl_blocked_ports
  gateway_endpoints          = var.gateway_endpoints
  interface_endpoints        = var.interface_endpoints

  flow_logs_enabled        = var.flow_logs_enabled
  flow_log_group_name      = local.flow_log_group_name
  flow_log_retention_days  = var.flow_log_retention_days
  kms_key_arn              = aws_kms_key.logs.arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

# A VPC that there is not is found out by the plan. One that another account shares has that account in its ARN.
data "aws_vpc" "existing" {
  count = local.network_made ? 0 : 1

  id = var.existing_vpc_id
}

locals {
  network_made = var.existing_vpc_id == null

  vpc_id  = one(concat(module.network[*].vpc_id, data.aws_vpc.existing[*].id))
  vpc_arn = one(concat(module.network[*].vpc_arn, data.aws_vpc.existing[*].arn))
}
