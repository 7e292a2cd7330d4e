# ---------------------------------------------------------------------------------------------------------------------
# The deployment
# ---------------------------------------------------------------------------------------------------------------------

variable "profile" {
  description = "Profile that this deployment was made from, as published in the output of the same name. Set by profiles/<profile>.tfvars."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "prod"], var.profile)
    error_message = "The profile must be \"dev\" or \"prod\", the ones that this module provides."
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
# Network: which values are good, modules/network/variables.tf says
# ---------------------------------------------------------------------------------------------------------------------

variable "existing_vpc_id" {
  description = "ID of a VPC, in the home region, that somebody else looks after: the trail then stands without a network of its own, and the variables of the network say nothing. Verification opens its test rule there, on a security group that nothing is attached to. Null makes the network."
  type        = string
  default     = null

  validation {
    condition     = var.existing_vpc_id == null ? true : can(regex("^vpc-[0-9a-f]{8,17}$", var.existing_vpc_id))
    error_message = "The existing VPC must be the ID of a VPC (example: vpc-0a1b2c3d4e5f60718); leave it out to have a network made."
  }
}

variable "vpc_cidr_block" {
  description = "IPv4 range of the VPC, in private address space (RFC 1918), /16 to /28."
  type        = string
  default     = "10.0.0.0/16"
}

variable "private_subnet_cidr_blocks" {
  description = "IPv4 ranges of the private subnets, inside the VPC's, one availability zone each, in the region's order of zones."
  type        = list(string)
  default     = ["10.0.10.0/24", "10.0.20.0/24"]
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
  description = "IAM role that alone may delete or change what the log bucket holds. Null: nobody may, or, with access_roles_enabled, role-break-glass-<environment>. The baseline must list it, or verification fails."
  type        = string
  default     = null

  validation {
    condition     = var.break_glass_role_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$", var.break_glass_role_arn))
    error_message = "The break-glass role must be the ARN of one IAM role without wildcards (example: arn:aws:iam::123456789012:role/break-glass)."
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

variable "data_events" {
  description = "Which data events the trail records, by CloudTrail's types of resources: what is done to the objects of all buckets but those of logs, and each invocation of a function. Each event costs."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.data_events, ["AWS::Lambda::Function", "AWS::S3::Object"])) == 0
    error_message = "Data events can be recorded of AWS::S3::Object and AWS::Lambda::Function."
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
      "security-group-changes", "network-acl-changes", "gateway-changes", "route-table-changes", "vpc-changes",
      "iam-policy-changes", "cloudtrail-changes", "key-removals", "bucket-policy-changes", "config-changes",
      "root-account-use", "unauthorized-calls", "sign-ins-without-mfa", "failed-sign-ins",
    ])) == 0
    error_message = "Activity alarms can be any of: security-group-changes, network-acl-changes, gateway-changes, route-table-changes, vpc-changes, iam-policy-changes, cloudtrail-changes, key-removals, bucket-policy-changes, config-changes, root-account-use, unauthorized-calls, sign-ins-without-mfa, failed-sign-ins."
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

variable "verifier_oidc_trusts" {
  description = "Pipelines that may assume the verifier role with a token of an OpenID Connect provider, besides its principals: the ARN of the account's provider (IAM has one for each issuer), the audience of the tokens, and their subjects. A subject is whole, or has a wildcard after the repository (GitHub) or the project (GitLab)."
  type = list(object({
    provider_arn = string
    audience     = optional(string, "sts.amazonaws.com")
    subjects     = list(string)
  }))
  default = []

  validation {
    condition = alltrue([
      for trust in var.verifier_oidc_trusts :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9.-]+(/[A-Za-z0-9._~/-]+)?$", trust.provider_arn))
    ])
    error_message = "Each provider must be the ARN of an IAM OpenID Connect provider of this account (example: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com)."
  }

  validation {
    condition     = alltrue([for trust in var.verifier_oidc_trusts : can(regex("^[^*?$]+$", trust.audience))])
    error_message = "The audience of a token is one text without wildcards (example: sts.amazonaws.com)."
  }

  validation {
    condition = alltrue([
      for trust in var.verifier_oidc_trusts : length(trust.subjects) > 0 && alltrue([
        for subject in trust.subjects : can(regex("^([^*?$]+|(repo|project_path):[^*?$:]+/[^*?$:/]+:[^$]+)$", subject))
      ])
    ])
    error_message = "Each provider needs subjects, without which anybody's pipeline is admitted; and a subject with a wildcard must name its repository or project to the end (examples: repo:hospital/audit-trail:ref:refs/heads/main, project_path:hospital/audit-trail:ref_type:branch:*)."
  }
}

variable "verifier_probes" {
  description = "Probes that the verifier role may fire besides the opened security-group rule, each with a scratch resource of its own: bucket, key, network (a network ACL), role."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.verifier_probes, ["bucket", "key", "network", "role"])) == 0
    error_message = "The verifier's probes can be bucket, key, network and role (example: [\"bucket\"])."
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

# ---------------------------------------------------------------------------------------------------------------------
# The network in tiers
# ---------------------------------------------------------------------------------------------------------------------

variable "public_subnet_cidr_blocks" {
  description = "IPv4 ranges of the public subnets, inside the VPC's, one availability zone each, as many as there are private subnets. With them the network has tiers: an internet gateway, a NAT gateway a zone, and security groups for web, application, database, bastion and endpoints. Empty: the network is private."
  type        = list(string)
  default     = []
}

variable "public_addresses_on_launch" {
  description = "Whether machines that start in a public subnet are given a public address. Load balancers and NAT gateways have theirs either way."
  type        = bool
  default     = false
}

variable "bastion_cidr_blocks" {
  description = "IPv4 ranges from which the bastion's security group admits SSH, and passes it on to the application tier. Empty: from nowhere, and to nowhere."
  type        = list(string)
  default     = []
}

variable "network_acl_blocked_ports" {
  description = "TCP ports that the network ACLs close to what comes from outside the VPC, whatever security groups admit. Empty: none; the ACLs of the tiers admit the web's ports and what comes back."
  type        = set(number)
  default     = []
}

variable "gateway_endpoints" {
  description = "Services that the private subnets reach by a gateway endpoint, which costs nothing: s3, dynamodb."
  type        = set(string)
  default     = []
}

variable "interface_endpoints" {
  description = "Services that the application tier reaches by an interface endpoint in each zone: kms, logs, sns, sqs, sts, lambda, cloudtrail."
  type        = set(string)
  default     = []
}

variable "flow_logs_enabled" {
  description = "Whether all of the VPC's traffic is recorded by VPC Flow Logs, in an encrypted log group."
  type        = bool
  default     = false
}

variable "flow_log_retention_days" {
  description = "Days that CloudWatch Logs keeps the VPC's flow logs."
  type        = number
  default     = 365
}

# ---------------------------------------------------------------------------------------------------------------------
# Account
# ---------------------------------------------------------------------------------------------------------------------

variable "account_settings_enabled" {
  description = "Whether the account's own settings are made: the password policy, the block of public access to S3, and encryption of new EBS volumes in the home region. They replace what the account has, and terraform destroy takes them back to AWS's defaults: leave it off where another stack or team sets them."
  type        = bool
  default     = false
}

variable "password_policy" {
  description = "What IAM users' passwords must be, where account_settings_enabled: their least length, after how many days they expire, and how many earlier ones may not come again. All four kinds of characters are always required."
  type = object({
    minimum_length   = optional(number, 14)
    maximum_age_days = optional(number, 90)
    reuse_prevention = optional(number, 24)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for bounds in [
        [var.password_policy.minimum_length, 8, 128],
        [var.password_policy.maximum_age_days, 1, 1095],
        [var.password_policy.reuse_prevention, 1, 24],
      ] : try(bounds[0] >= bounds[1] && bounds[0] <= bounds[2] && floor(bounds[0]) == bounds[0], false)
    ])
    error_message = "The password policy has whole numbers: minimum_length from 8 to 128, maximum_age_days from 1 to 1095, reuse_prevention from 1 to 24 (example: { minimum_length = 16 })."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Subscriptions of alerts
# ---------------------------------------------------------------------------------------------------------------------

variable "alert_subscriptions" {
  description = "Who is sent every alert, besides what subscribes to the topic by itself: each {protocol, endpoint}, of email, sms or https. E-mail and SMS leave AWS unencrypted, and an alert names users, addresses and resources: choose https where that may not be. SNS sends SMS from some regions only, and none to a number that has not opted in where the account is in the SMS sandbox. An e-mail address or a URL is sent nothing before it has confirmed. They are personal data: plans and outputs do not show them, the state does."
  type        = list(object({ protocol = string, endpoint = string }))
  default     = []
  nullable    = false
  sensitive   = true

  validation {
    condition = alltrue([
      for subscription in var.alert_subscriptions : try(can(regex({
        email = "^[^@,;:<>\"\\s]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\\.[A-Za-z]{2,63}$"
        sms   = "^\\+[1-9][0-9]{6,14}$"
        https = "^https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[^\\s@]*)?$"
      }[subscription.protocol], subscription.endpoint)), false)
    ])
    error_message = "Each of the alert subscriptions is {protocol, endpoint}: an email address, a number for sms in E.164 (+15555550100), or a URL for https without user or password in it (https://alerts.example.org/hook)."
  }

  validation {
    condition     = length(distinct([for subscription in var.alert_subscriptions : "${subscription.protocol} ${lower(subscription.endpoint)}"])) == length(var.alert_subscriptions)
    error_message = "The alert subscriptions name an endpoint twice: leave one of the two out."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Retention, archive, lock, copies
# ---------------------------------------------------------------------------------------------------------------------

variable "log_group_retention_days" {
  description = "Days that CloudWatch Logs keeps the log groups."
  type        = number
  default     = 7

  # 0 (keep for ever) is left out on purpose: how long logs are kept is a decision to be stated.
  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_group_retention_days,
    )
    error_message = "The log groups' retention must be one of the values that CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192 (six years), 2557 (seven years), 2922, 3288 or 3653 days."
  }
}

variable "application_log_groups" {
  description = "Applications that log into log groups of their own, by name, and for how many days each is kept: as log_group_retention_days says, unless the application has its own."
  type        = map(object({ retention_days = optional(number) }))
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.application_log_groups) : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "An application's name must be up to 63 lower-case letters, digits and hyphens, beginning with a letter (example: django)."
  }

  validation {
    condition = alltrue([
      for application in values(var.application_log_groups) : application.retention_days == null ? true : contains(
        [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
        application.retention_days,
      )
    ])
    error_message = "An application's log group must be kept for one of the days that CloudWatch Logs accepts, such as 365 or 2192 (six years)."
  }
}

variable "application_log_data_identifiers" {
  description = "What is masked and counted in the log groups of applications, by the names of CloudWatch Logs' managed data identifiers. Scanning costs by what is logged."
  type        = set(string)
  default = [
    "Address", "DriversLicense-US", "DrugEnforcementAgencyNumber-US", "EmailAddress", "HealthInsuranceCardNumber-EU",
    "HealthInsuranceClaimNumber-US", "HealthInsuranceNumber-FR", "HealthcareProcedureCode-US", "MedicareBeneficiaryNumber-US",
    "Name", "NationalDrugCode-US", "NationalProviderId-US", "NhsNumber-GB", "PassportNumber-US", "PersonalHealthNumber-CA",
    "PhoneNumber-US", "Ssn-US",
  ]

  validation {
    condition     = length(var.application_log_data_identifiers) > 0 && alltrue([for name in var.application_log_data_identifiers : can(regex("^[A-Z][A-Za-z]*(-[A-Z]{2})?$", name))])
    error_message = "Name at least one managed data identifier of CloudWatch Logs, with its country where it has one (example: Ssn-US)."
  }
}

variable "trail_log_group_retention_days" {
  description = "Days that CloudWatch Logs keeps the trail's log group, where they differ from those of the others. Null: as the others."
  type        = number
  default     = null

  validation {
    condition = var.trail_log_group_retention_days == null ? true : contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.trail_log_group_retention_days,
    )
    error_message = "The trail log group's retention must be one of the values that CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192 (six years), 2557 (seven years), 2922, 3288 or 3653 days."
  }
}

variable "log_retention_days" {
  description = "Days that log files are kept in the bucket. Where log_lifecycle_enabled says so, they go then; object_lock_mode keeps them until then."
  type        = number
  default     = 2557 # seven years

  validation {
    condition     = var.log_retention_days >= 365 && var.log_retention_days <= 36500 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "Log files must be kept a whole number of days from 365 (a year) to 36500. For how long log groups keep events, set log_group_retention_days."
  }
}

variable "log_lifecycle_enabled" {
  description = "Whether S3 moves log files into the archive (after log_archive_after_days) and removes them once they need not be kept any more (after log_retention_days). Otherwise they stay where they are, for good."
  type        = bool
  default     = false
}

variable "log_archive_after_days" {
  description = "Days after which log files move to S3 Glacier Flexible Retrieval, where reading one takes a request, money and hours."
  type        = number
  default     = 90

  validation {
    condition     = var.log_archive_after_days >= 1 && var.log_archive_after_days <= 36499 && floor(var.log_archive_after_days) == var.log_archive_after_days
    error_message = "Log files can move into the archive after a whole number of days from 1 on (example: 90)."
  }
}

variable "log_archive_small_files" {
  description = "Whether files below 128 KB move into the archive too. It costs more than it saves (S3 charges 40 KB beside each archived file, and each move), and takes the digest files, by which all others are verified, out of reach."
  type        = bool
  default     = false
}

variable "object_lock_mode" {
  description = "How log files are locked against deletion: GOVERNANCE (who has s3:BypassGovernanceRetention may delete them all the same), COMPLIANCE (nobody may, root included, and terraform destroy leaves the bucket), or null (not at all)."
  type        = string
  default     = null

  validation {
    condition     = var.object_lock_mode == null ? true : contains(["GOVERNANCE", "COMPLIANCE"], var.object_lock_mode)
    error_message = "The mode of Object Lock must be GOVERNANCE or COMPLIANCE; leave it out to lock nothing."
  }
}

variable "object_lock_days" {
  description = "Days that each log file is locked from its delivery on. Null: as long as files are kept (log_retention_days)."
  type        = number
  default     = null

  validation {
    condition     = var.object_lock_days == null ? true : var.object_lock_days >= 1 && var.object_lock_days <= 36500 && floor(var.object_lock_days) == var.object_lock_days
    error_message = "Log files can be locked for a whole number of days from 1 to 36500 (example: 2557, seven years)."
  }
}

variable "access_logs_enabled" {
  description = "Whether requests to the log bucket are logged, in a bucket of their own."
  type        = bool
  default     = false
}

variable "access_log_retention_days" {
  description = "Days that the log bucket's access logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = var.access_log_retention_days >= 1 && var.access_log_retention_days <= 36500 && floor(var.access_log_retention_days) == var.access_log_retention_days
    error_message = "Access logs must be kept a whole number of days from 1 to 36500 (example: 365)."
  }
}

variable "replication_region" {
  description = "Region to which every log file is copied, into a bucket with a key and a lock of its own. Null: nowhere. Files from before are not copied."
  type        = string
  default     = null

  validation {
    condition     = var.replication_region == null ? true : can(regex("^[a-z]{2,5}(-[a-z]+)+-[0-9]$", var.replication_region))
    error_message = "The replication region must be an AWS region code (example: ap-southeast-2); leave it out to copy nothing."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Access: who may see and who may stop the trail
# ---------------------------------------------------------------------------------------------------------------------

variable "access_roles_enabled" {
  description = "Whether there are roles for break glass, investigation and compliance tools, and log files are refused to everyone but these and the verifier. With break_glass_role_arn that role is the first of them."
  type        = bool
  default     = false
}

variable "break_glass_principals" {
  description = "ARNs of the IAM users that may assume the break-glass role, each with a second factor and under its own name. Users, since AWS knows a second factor of these alone. Empty: nobody, until somebody is named."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for principal in var.break_glass_principals :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:user/[A-Za-z0-9+=,.@_/-]{1,512}$", principal))
    ])
    error_message = "Each break-glass principal must be the ARN of an IAM user, without wildcards (example: arn:aws:iam::123456789012:user/break-glass-1): a role's session has no second factor that AWS could ask for."
  }
}

variable "break_glass_mfa_age_seconds" {
  description = "How long ago, at most, whoever assumes the break-glass role may have shown the second factor."
  type        = number
  default     = 900

  validation {
    condition     = var.break_glass_mfa_age_seconds >= 60 && var.break_glass_mfa_age_seconds <= 3600 && floor(var.break_glass_mfa_age_seconds) == var.break_glass_mfa_age_seconds
    error_message = "The age of the second factor must be a whole number of seconds from 60 to 3600: a longer one is as good as none."
  }
}

variable "investigation_principals" {
  description = "ARNs of the IAM principals that may assume the investigation role. Empty: nobody, but for the verifier with investigation_role_probe_enabled."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for principal in var.investigation_principals :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]{1,512}$", principal))
    ])
    error_message = "Each investigation principal must be the ARN of an IAM role or user, without wildcards and not an account's root, which would leave the choice to whoever writes IAM policies there (example: arn:aws:iam::123456789012:role/security-team)."
  }
}

variable "investigation_role_probe_enabled" {
  description = "Whether the verifier may assume the investigation role, where there is one, to try what must be refused to it."
  type        = bool
  default     = false
}

variable "investigation_log_group_arns" {
  description = "ARNs of further log groups that the investigation role may read, besides the trail's and the function's: none that holds patients' data unless you mean it."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for arn in var.investigation_log_group_arns :
      can(regex("^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:[A-Za-z0-9_/.#-]{1,512}$", arn))
    ])
    error_message = "Each further log group must be its ARN without wildcards and without the ending for log streams (example: arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/lambda/booking)."
  }
}

variable "unusual_access_alarm_enabled" {
  description = "Whether an alarm rings when the log bucket is asked far more often than is usual. S3 keeps metrics of its requests then, which cost."
  type        = bool
  default     = false
}

variable "dashboard_enabled" {
  description = "Whether there is a dashboard of the alarms and of what they watch."
  type        = bool
  default     = false
}

variable "verification_metric_enabled" {
  description = "Whether the verifier may publish when the last clean verification was, as `make verify` does with --put-metric: into a namespace of its own, and nothing else."
  type        = bool
  default     = false
}

variable "reports_bucket_enabled" {
  description = "Whether there is a bucket for the verifier's reports, in which Object Lock keeps them as it keeps the log files (object_lock_mode): `make verify REPORTS_BUCKET=s3://...` puts them there. Files are put there by the verifier role alone."
  type        = bool
  default     = false
}

variable "report_signing_enabled" {
  description = "Whether there is a key of KMS with which the verifier role, and nobody else, signs its reports: `make verify VERIFY_ARGS=--signing-key=<ARN>`."
  type        = bool
  default     = false
}

variable "finding_import_enabled" {
  description = "Whether the verifier may import its findings into the region's Security Hub, as `make verify` does with --import-findings."
  type        = bool
  default     = false
}

variable "investigation_enabled" {
  description = "Whether the trail's log files can be asked by SQL (Athena), by the investigation role alone. Needs access_roles_enabled."
  type        = bool
  default     = false
}

variable "investigation_results_days" {
  description = "Days that the results of such queries are kept."
  type        = number
  default     = 7
}

variable "investigation_scan_limit_gigabytes" {
  description = "Gigabytes (2^30 bytes) that one such query may read before Athena stops it; a terabyte costs about 5 US dollars."
  type        = number
  default     = 100
}

variable "config_enabled" {
  description = "Whether AWS Config records every resource of the account and holds it to rules. An account has one recorder a region: leave it off where another team runs it."
  type        = bool
  default     = false
}

variable "config_service_linked_role_enabled" {
  description = "Whether AWS Config's service-linked role is made with it. An account has one at most: false where `aws iam get-role --role-name AWSServiceRoleForConfig` shows it already."
  type        = bool
  default     = true
}

variable "config_retention_days" {
  description = "Days that what AWS Config records is kept, by itself and in the bucket that it delivers into."
  type        = number
  default     = 2557 # seven years
}

variable "guardduty_enabled" {
  description = "Whether GuardDuty looks for threats in the home region, and its high findings are told. An account has one detector a region: leave it off where another team runs it."
  type        = bool
  default     = false
}

variable "guardduty_protections" {
  description = "What GuardDuty looks at besides calls, flow logs and queries of names, by its features' names. Not every region has all; RUNTIME_MONITORING needs an agent on what it watches."
  type        = list(string)
  default     = ["EBS_MALWARE_PROTECTION", "LAMBDA_NETWORK_LOGS", "RDS_LOGIN_EVENTS", "S3_DATA_EVENTS"]
}

variable "security_hub_enabled" {
  description = "Whether Security Hub holds the account to standards in the home region. Its checks need AWS Config. An account has one hub a region: leave it off where another team runs it."
  type        = bool
  default     = false
}

variable "security_hub_standards" {
  description = "The standards that Security Hub holds the account to, as their ARNs have them after `standards/`."
  type        = list(string)
  default     = ["aws-foundational-security-best-practices/v/1.0.0", "nist-800-53/v/5.0.0"]
}

variable "access_analyzer_enabled" {
  description = "Whether IAM Access Analyzer looks for what is open to others than the account, in the home region."
  type        = bool
  default     = false
}

variable "session_logging_enabled" {
  description = "Whether every Session Manager session of the account in the home region is logged, in an encrypted log group and an encrypted bucket. An account has one document of preferences a region: leave it off where another team keeps it. Roles of instances need what session_logging_policy_document says, or no session starts."
  type        = bool
  default     = false
}

variable "session_log_retention_days" {
  description = "Days that the logs of Session Manager's sessions are kept, in their log group and in their bucket."
  type        = number
  default     = 365
}

variable "finding_logs_enabled" {
  description = "Whether what GuardDuty, Security Hub and IAM Access Analyzer find in the home region is kept in an encrypted log group, whoever runs them there: they themselves let go of it after 90 days. It takes one of the ten resource policies that CloudWatch Logs allows an account in a region."
  type        = bool
  default     = false
}

variable "finding_log_retention_days" {
  description = "Days that findings are kept in their log group."
  type        = number
  default     = 365
}

variable "compliance_tools_principals" {
  description = "ARNs of the IAM principals that may assume the role for compliance tools. Empty: nobody, until somebody is named."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for principal in var.compliance_tools_principals :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]{1,512}$", principal))
    ])
    error_message = "Each principal of the compliance tools must be the ARN of an IAM role or user, without wildcards and not an account's root, which would leave the choice to whoever writes IAM policies there (example: arn:aws:iam::123456789012:role/audit-collector)."
  }
}

variable "trail_administrator_arns" {
  description = "ARNs of roles that the protecting policy spares besides the break-glass role, such as the one that deploys, if it is used as a service control policy. The baseline must list them as administrators."
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for role in var.trail_administrator_arns :
      can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$", role))
    ])
    error_message = "Each of the trail's administrators must be the ARN of one IAM role without wildcards (example: arn:aws:iam::123456789012:role/deploy)."
  }
}
