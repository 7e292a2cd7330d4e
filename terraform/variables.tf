# ---------------------------------------------------------------------------------------------------------------------
# The deployment
# ---------------------------------------------------------------------------------------------------------------------

variable "profile" {
  description = "Profile that this deployment was made from, as published in the output of the same name. Set by profiles/<profile>.tfvars."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev"], var.profile)
    error_message = "The profile must be \"dev\": it is the only one that this module provides."
  }
}

variable "environment" {
  description = "Name of the environment. It ends every resource name (<resource-type>-<purpose>-<environment>)."
  type        = string
  default     = "dev"

  # Sixteen characters keep the longest derived name (the log bucket, 63) within AWS's limit. Two hyphens in a row would
  # break CloudTrail's rule for trail names, which the provider does not check.
  validation {
    condition     = can(regex("^[a-z](-?[a-z0-9])*$", var.environment)) && length(var.environment) <= 16
    error_message = "The environment must be 1 to 16 lower-case letters, digits and single hyphens, begin with a letter and not end with a hyphen (example: dev, staging, prod-eu)."
  }
}

variable "region" {
  description = "Home region: where the trail is managed and every regional resource lives."
  type        = string
  default     = "ap-southeast-1"

  validation {
    condition     = can(regex("^[a-z]{2,5}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must be an AWS region code (example: ap-southeast-1, us-gov-west-1)."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Tags
# ---------------------------------------------------------------------------------------------------------------------

variable "owner" {
  description = "Value of the tag Owner: the team that answers for this deployment."
  type        = string
  default     = "security-team"

  validation {
    condition     = can(regex("^[\\p{L}\\p{N}_.:/=+@-][\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,255}$", var.owner))
    error_message = "The owner must not be empty: 1 to 256 letters, digits, spaces or any of _ . : / = + - @, which is what AWS accepts in a tag value."
  }
}

variable "cost_center" {
  description = "Value of the tag CostCenter: who pays."
  type        = string
  default     = "compliance"

  validation {
    condition     = can(regex("^[\\p{L}\\p{N}_.:/=+@-][\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,255}$", var.cost_center))
    error_message = "The cost centre must not be empty: 1 to 256 letters, digits, spaces or any of _ . : / = + - @, which is what AWS accepts in a tag value."
  }
}

variable "additional_tags" {
  description = "Tags to put on every resource besides the required ones."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for key, value in var.additional_tags :
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:") &&
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))
    ])
    error_message = "Each tag key must be 1 to 128 and each value at most 256 letters, digits, spaces or any of _ . : / = + - @, and no key may begin with aws: (AWS keeps that for itself)."
  }

  validation {
    condition = length(setintersection(
      [for key in keys(var.additional_tags) : lower(key)],
      ["environment", "owner", "costcenter", "purpose", "compliance", "application", "managedby"],
    )) == 0
    error_message = "Additional tags cannot replace the required ones (Environment, Owner, CostCenter, Purpose, Compliance, Application, ManagedBy): use the variables environment, owner and cost_center."
  }

  validation {
    condition     = length(var.additional_tags) <= 40
    error_message = "At most 40 additional tags: AWS allows 50 on a resource, and ten are kept for this module."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Network
# ---------------------------------------------------------------------------------------------------------------------

variable "vpc_cidr_block" {
  description = "IPv4 range of the VPC, in private address space (RFC 1918), /16 to /28."
  type        = string
  default     = "10.0.0.0/16"

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
  description = "IPv4 ranges of the private subnets, inside the VPC's, one availability zone each, in the region's order of zones."
  type        = list(string)
  default     = ["10.0.10.0/24", "10.0.20.0/24"]

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

# ---------------------------------------------------------------------------------------------------------------------
# Encryption, log storage, retention
# ---------------------------------------------------------------------------------------------------------------------

variable "key_deletion_window_days" {
  description = "Days that AWS waits before it deletes the key for good once deletion was asked for."
  type        = number
  default     = 7

  validation {
    condition     = var.key_deletion_window_days >= 7 && var.key_deletion_window_days <= 30 && floor(var.key_deletion_window_days) == var.key_deletion_window_days
    error_message = "The key's deletion window must be a whole number of days from 7 to 30, which is what AWS KMS allows."
  }
}

variable "log_bucket_force_destroy" {
  description = "Whether terraform destroy empties the log bucket. It must have been applied before the destroy to take effect."
  type        = bool
  default     = true
}

variable "break_glass_role_arn" {
  description = "IAM role that alone may delete or change what the log bucket holds. Null: nobody may. The baseline must list it, or verification fails."
  type        = string
  default     = null

  validation {
    condition     = var.break_glass_role_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$", var.break_glass_role_arn))
    error_message = "The break-glass role must be the ARN of one IAM role without wildcards (example: arn:aws:iam::123456789012:role/break-glass)."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch Logs keeps the trail's and the function's log groups."
  type        = number
  default     = 7

  # 0 (keep for ever) is left out on purpose: how long logs are kept is a decision to be stated.
  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "The log retention must be one of the values that CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192 (six years), 2557 (seven years), 2922, 3288 or 3653 days."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Trail
# ---------------------------------------------------------------------------------------------------------------------

variable "trail_name" {
  description = "Name of the trail. Null gives cloudtrail-audit-<environment>."
  type        = string
  default     = null

  # The provider checks the length only: CloudTrail itself refuses the rest at apply.
  validation {
    condition = var.trail_name == null ? true : (
      length(var.trail_name) >= 3 && length(var.trail_name) <= 128 &&
      can(regex("^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$", var.trail_name)) &&
      !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.trail_name))
    )
    error_message = "The trail's name must be 3 to 128 letters, digits, periods, underscores and hyphens, begin and end with a letter or digit, have no two of . _ - side by side, and not look like an IP address."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Alerts
# ---------------------------------------------------------------------------------------------------------------------

variable "existing_alert_topic_arn" {
  description = "ARN of an SNS topic, in this account and region, that alerts go to. Null creates sns-compliance-alerts-<environment>. An existing topic's policy and key must let CloudWatch alarms publish: they are not managed here."
  type        = string
  default     = null

  validation {
    condition     = var.existing_alert_topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.existing_alert_topic_arn))
    error_message = "The existing alert topic must be the ARN of a standard SNS topic (example: arn:aws:sns:ap-southeast-1:123456789012:security-alerts). FIFO topics cannot be the target of an alarm."
  }
}

variable "existing_alert_topic_key_arn" {
  description = "ARN of the customer-managed key that encrypts the existing alert topic, so that the function may publish to it. Null when the topic has none."
  type        = string
  default     = null

  validation {
    condition     = var.existing_alert_topic_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,256}$", var.existing_alert_topic_key_arn))
    error_message = "The existing alert topic's key must be the ARN of a key, not of an alias (example: arn:aws:kms:ap-southeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab)."
  }
}

variable "activity_alarms" {
  description = "Which kinds of account activity have a metric filter and an alarm of their own."
  type        = set(string)
  default     = ["security-group-changes", "iam-policy-changes", "root-account-use", "cloudtrail-changes"]

  validation {
    condition = length(setsubtract(var.activity_alarms, [
      "security-group-changes", "iam-policy-changes", "root-account-use", "cloudtrail-changes",
    ])) == 0
    error_message = "Activity alarms can be any of: security-group-changes, iam-policy-changes, root-account-use, cloudtrail-changes."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Compliance function
# ---------------------------------------------------------------------------------------------------------------------

variable "function_package" {
  description = "Path of the function's zip, absolute or relative to this module. Built by: python lambda/build.py"
  type        = string
  default     = "../lambda/dist/compliance_checker.zip"

  validation {
    condition     = endswith(var.function_package, ".zip")
    error_message = "The function package must be the path of a .zip file."
  }
}

variable "function_runtime" {
  description = "Lambda runtime of the function."
  type        = string
  default     = "python3.11"

  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13"], var.function_runtime)
    error_message = "The function's runtime must be python3.11, python3.12 or python3.13."
  }
}

variable "function_timeout_seconds" {
  description = "Time-out of the function."
  type        = number
  default     = 60

  validation {
    condition     = var.function_timeout_seconds >= 10 && var.function_timeout_seconds <= 900 && floor(var.function_timeout_seconds) == var.function_timeout_seconds
    error_message = "The function's time-out must be a whole number of seconds from 10 to 900."
  }
}

variable "function_memory_megabytes" {
  description = "Memory of the function."
  type        = number
  default     = 256

  validation {
    condition     = var.function_memory_megabytes >= 128 && var.function_memory_megabytes <= 10240 && floor(var.function_memory_megabytes) == var.function_memory_megabytes
    error_message = "The function's memory must be a whole number of megabytes from 128 to 10240."
  }
}

variable "function_reserved_concurrency" {
  description = "Concurrent executions reserved for the function. -1 reserves none. AWS refuses a reservation that leaves the account fewer than 100 unreserved."
  type        = number
  default     = -1

  # 0 would switch the function off and send every record to the dead-letter queue.
  validation {
    condition     = var.function_reserved_concurrency == -1 || (var.function_reserved_concurrency >= 1 && var.function_reserved_concurrency <= 1000 && floor(var.function_reserved_concurrency) == var.function_reserved_concurrency)
    error_message = "The function's reserved concurrency must be -1 (none) or a whole number from 1 to 1000."
  }
}

variable "function_log_level" {
  description = "Least severe messages that the function logs."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.function_log_level)
    error_message = "The function's log level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "function_metric_namespace" {
  description = "CloudWatch namespace of the metrics that the function publishes."
  type        = string
  default     = "Trailwarden/ComplianceChecker"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/#:-]{1,255}$", var.function_metric_namespace)) && !startswith(var.function_metric_namespace, "AWS/")
    error_message = "The metric namespace must be 1 to 255 letters, digits or any of . _ / # : - and must not begin with AWS/."
  }
}

variable "event_path_enabled" {
  description = "Whether EventBridge takes changes to the function besides the log group's subscription, which is slower: CloudTrail writes to log groups within about five minutes, on average and without promise. It takes what happens in the home region, in that of the global services (IAM, sign-in, Organizations) and in further_event_regions; what happens elsewhere comes by the log group, whose trail covers every region."
  type        = bool
  default     = true
}

variable "further_event_regions" {
  description = "Regions, besides the home region and that of the global services, from which EventBridge takes changes to the function too. A CloudFormation stack set puts the rules there, by two roles of its own; only regions that need no opt-in. Without the quick path (event_path_enabled) there are none."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for region in var.further_event_regions : can(regex("^[a-z]{2,5}(-[a-z]+)+-[0-9]$", region))])
    error_message = "Each of the further event regions must be an AWS region code (example: [\"eu-west-1\", \"us-west-2\"])."
  }
}

variable "ledger_deletion_protection" {
  description = "Whether DynamoDB refuses to delete the table that holds which alerts have been told. It must be off before terraform destroy."
  type        = bool
  default     = false
}

variable "account_scan_enabled" {
  description = "Whether the function looks at the whole account on a schedule as well, for what was wrong before the trail began."
  type        = bool
  default     = false
}

variable "account_scan_schedule" {
  description = "How often the account is scanned, as an EventBridge schedule expression."
  type        = string
  default     = "rate(1 hour)"

  # As EventBridge has it: the unit in the singular for 1 alone, and six fields. The provider looks at the length only.
  validation {
    condition     = can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\([^() ]+( [^() ]+){5}\\))$", var.account_scan_schedule))
    error_message = "The scan's schedule must be an EventBridge expression (example: rate(1 hour), cron(0 * * * ? *))."
  }
}

variable "account_scan_checks" {
  description = "What a scan looks at. Leave out what the organization knowingly does without: each scan would alert it anew."
  type        = set(string)
  default     = ["security-groups", "buckets", "trails", "flow-logs"]

  validation {
    condition     = length(var.account_scan_checks) > 0 && length(setsubtract(var.account_scan_checks, ["security-groups", "buckets", "trails", "flow-logs"])) == 0
    error_message = "The scan's checks can be any of: security-groups, buckets, trails, flow-logs. To scan nothing, set account_scan_enabled = false."
  }
}

variable "remediation_rules" {
  description = "Rules whose violations the function puts right by itself. Empty: it changes nothing, and may change nothing."
  type        = set(string)
  default     = []

  validation {
    condition = length(setsubtract(var.remediation_rules, [
      "kms-key-rotation-disabled", "public-access-block-weakened", "security-group-open-to-internet",
      "security-group-rule-changed-to-internet", "trail-stopped", "trail-weakened",
    ])) == 0
    error_message = "Rules with a remedy: kms-key-rotation-disabled, public-access-block-weakened, security-group-open-to-internet, security-group-rule-changed-to-internet, trail-stopped, trail-weakened."
  }
}

variable "remediation_mode" {
  description = "Whether the chosen remedies are applied (apply), or only reported in the alert as what would be done (dry-run)."
  type        = string
  default     = "dry-run"

  validation {
    condition     = contains(["dry-run", "apply"], var.remediation_mode)
    error_message = "The remediation mode must be dry-run or apply."
  }
}

variable "remediation_exemption_tag" {
  description = "Key of the tag that spares a resource from remediation, whatever its value."
  type        = string
  default     = "trailwarden:exempt"

  validation {
    condition     = can(regex("^[A-Za-z0-9_.:/=+@-]{1,128}$", var.remediation_exemption_tag)) && !startswith(lower(var.remediation_exemption_tag), "aws:")
    error_message = "The exemption tag must be 1 to 128 letters, digits or any of _ . : / = + - @, and must not begin with aws:."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Access
# ---------------------------------------------------------------------------------------------------------------------

variable "verifier_principals" {
  description = "ARNs of the IAM principals that may assume the verifier role. Empty means this account's root, which leaves the choice to the account's own IAM policies."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for principal in var.verifier_principals :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]{1,512})$", principal))
    ])
    error_message = "Each verifier principal must be the ARN of an IAM role, a user or an account's root, without wildcards (example: arn:aws:iam::123456789012:role/ci-verify)."
  }
}

variable "verifier_probes" {
  description = "Probes that the verifier role may fire besides the opened security-group rule: bucket-policy creates a scratch bucket, role-policy a scratch role."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.verifier_probes, ["bucket-policy", "role-policy"])) == 0
    error_message = "The verifier's probes can be bucket-policy and role-policy (example: [\"bucket-policy\"])."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the IAM policy that bounds every role created here. Null sets no boundary."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]{1,512}$", var.permissions_boundary_arn))
    error_message = "The permissions boundary must be the ARN of an IAM policy (example: arn:aws:iam::123456789012:policy/boundary)."
  }
}
