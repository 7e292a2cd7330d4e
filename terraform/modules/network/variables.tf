# What the network is made of. The root's variables of the same names are the user's, with their defaults; what a good value is
# is said here.

variable "environment" {
  description = "Name of the environment, which ends every resource name. The caller says what it may be."
  type        = string
}

variable "flow_log_group_name" {
  description = "Name of the log group of the flow logs: the caller's to give, since the policy of the key has to name it first."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the flow logs."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the IAM policy that bounds the role of the flow logs. Null sets no boundary."
  type        = string
}

variable "vpc_cidr_block" {
  description = "IPv4 range of the VPC, in private address space."
  type        = string

  validation {
    condition = (
      can(cidrnetmask(var.vpc_cidr_block)) &&
      try(cidrsubnet(var.vpc_cidr_block, 0, 0) == var.vpc_cidr_block, false) &&
      try(tonumber(split("/", var.vpc_cidr_block)[1]) >= 16, false) &&
      try(tonumber(split("/", var.vpc_cidr_block)[1]) <= 28, false)
    )
    error_message = "The VPC range must be an IPv4 network address with a prefix of /16 to /28 (example: 10.0.0.0/16)."
  }

  validation {
    condition = anytrue([
      for range in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] :
      try(cidrsubnet("${split("/", var.vpc_cidr_block)[0]}/${split("/", range)[1]}", 0, 0) == range, false)
    ])
    error_message = "The VPC range must lie in private address space: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
  }
}

variable "private_subnet_cidr_blocks" {
  description = "IPv4 ranges of the private subnets, one availability zone each."
  type        = list(string)

  validation {
    condition     = length(var.private_subnet_cidr_blocks) >= 2 && length(var.private_subnet_cidr_blocks) <= 6
    error_message = "Give 2 to 6 private subnets: one availability zone alone is a single point of failure, and no region has more than six."
  }

  # That a subnet lies inside the VPC and overlaps no other is a precondition of the subnets (network.tf): before
  # Terraform 1.9 a validation may look at its own variable only.
  validation {
    condition = alltrue([
      for block in var.private_subnet_cidr_blocks :
      can(cidrnetmask(block)) &&
      try(cidrsubnet(block, 0, 0) == block, false) &&
      try(tonumber(split("/", block)[1]) <= 28, false)
    ])
    error_message = "Each private subnet must be an IPv4 network address with a prefix no longer than /28 (example: 10.0.10.0/24)."
  }
}

variable "public_subnet_cidr_blocks" {
  description = "IPv4 ranges of the public subnets, as many as there are private ones, or none: then the network is private, and has no tiers."
  type        = list(string)

  # A load balancer asks for a /27 with eight free addresses; where the range lies is a precondition of the subnets.
  validation {
    condition = alltrue([
      for block in var.public_subnet_cidr_blocks :
      can(cidrnetmask(block)) &&
      try(cidrsubnet(block, 0, 0) == block, false) &&
      try(tonumber(split("/", block)[1]) <= 27, false)
    ])
    error_message = "Each public subnet must be an IPv4 network address with a prefix no longer than /27, which a load balancer needs (example: 10.0.1.0/24)."
  }

  validation {
    condition     = length(var.public_subnet_cidr_blocks) == 0 || (length(var.public_subnet_cidr_blocks) >= 2 && length(var.public_subnet_cidr_blocks) <= 6)
    error_message = "Give 2 to 6 public subnets, or none for a private network: one availability zone alone is a single point of failure, and no region has more than six."
  }
}

variable "public_addresses_on_launch" {
  description = "Whether machines that start in a public subnet are given a public address."
  type        = bool
}

variable "bastion_cidr_blocks" {
  description = "IPv4 ranges from which the bastion admits SSH, and passes it on to the application tier."
  type        = list(string)

  validation {
    condition = alltrue([
      for block in var.bastion_cidr_blocks :
      can(cidrnetmask(block)) && try(cidrsubnet(block, 0, 0) == block, false)
    ])
    error_message = "Each bastion range must be an IPv4 network address (example: 203.0.113.0/28). The VPC has no IPv6, so ::/0 and other IPv6 ranges admit nobody."
  }

  # Neither 0.0.0.0/0 nor halves or quarters of it: few networks of people that manage machines have more than a /16.
  validation {
    condition     = alltrue([for block in var.bastion_cidr_blocks : try(tonumber(split("/", block)[1]) >= 16, false)])
    error_message = "SSH must not be open to the world, or to a large part of it: give each bastion range a prefix of /16 or longer (example: 203.0.113.0/28), and only networks that you know."
  }

  validation {
    condition     = length(var.bastion_cidr_blocks) <= 5
    error_message = "At most 5 bastion ranges, for a network ACL has 20 entries: name the addresses by which your networks go out, or use a VPN."
  }
}

variable "network_acl_blocked_ports" {
  description = "TCP ports that the network ACLs of the tiers close to what comes from outside the VPC."
  type        = set(number)

  validation {
    condition = alltrue([
      for port in var.network_acl_blocked_ports :
      port >= 1 && port <= 32767 && floor(port) == port && !contains([80, 443], port)
    ])
    error_message = "Each blocked port must be a whole number from 1 to 32767, and neither 80 nor 443, which the web tier serves. From 32768 on, machines take ports for their own connections: a block would lose the answers to them."
  }

  validation {
    condition     = length(var.network_acl_blocked_ports) <= 9
    error_message = "At most 9 blocked ports: a network ACL has 20 entries. Everything below 1024 but the web's ports is closed without being named."
  }
}

variable "gateway_endpoints" {
  description = "Services that the private subnets reach by a gateway endpoint."
  type        = set(string)

  validation {
    condition     = length(setsubtract(var.gateway_endpoints, ["s3", "dynamodb"])) == 0
    error_message = "Gateway endpoints are those of s3 and dynamodb: AWS has no others."
  }
}

variable "interface_endpoints" {
  description = "Services that the application tier reaches by an interface endpoint in each zone."
  type        = set(string)

  validation {
    condition     = length(setsubtract(var.interface_endpoints, ["kms", "logs", "sns", "sqs", "sts", "lambda", "cloudtrail"])) == 0
    error_message = "Interface endpoints can be any of: kms, logs, sns, sqs, sts, lambda, cloudtrail."
  }
}

variable "flow_logs_enabled" {
  description = "Whether all of the VPC's traffic is recorded, in an encrypted log group."
  type        = bool
}

variable "flow_log_retention_days" {
  description = "Days that CloudWatch Logs keeps the VPC's flow logs."
  type        = number

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.flow_log_retention_days,
    )
    error_message = "The flow logs' retention must be one of the values that CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 (a year), 400, 545, 731, 1096, 1827, 2192 (six years), 2557, 2922, 3288 or 3653 days."
  }
}
