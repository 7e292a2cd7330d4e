# The services that watch the account, each by a switch of its own. The root's variables of the same names are the user's, with
# their defaults; what a good value is is said here.

variable "environment" {
  description = "Name of the environment, which ends every resource name. The caller says what it may be."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts what these services deliver. Its policy must admit them."
  type        = string
}

variable "log_bucket_name" {
  description = "Name of the bucket that the account's trail delivers into, as a rule of AWS Config demands."
  type        = string
}

# A list, since a plan knows how long it is before it knows the name.
variable "access_log_bucket_names" {
  description = "Name of the bucket that requests for the delivered files are logged in, whose policy admits that. Without one none is logged."
  type        = list(string)
}

variable "break_glass_role_arns" {
  description = "ARN of the role that may delete and alter the delivered files in an emergency; without one nobody may."
  type        = list(string)
}

variable "force_destroy" {
  description = "Whether the bucket of the delivered files is deleted with what it holds."
  type        = bool
}

variable "config_enabled" {
  description = "Whether AWS Config records the account's resources, and holds them to rules."
  type        = bool
}

variable "config_service_linked_role_enabled" {
  description = "Whether the service-linked role of AWS Config is made. An account has one at most, and may have it already."
  type        = bool
}

variable "config_retention_days" {
  description = "Days that what AWS Config records is kept: by itself, and in the bucket that it delivers into."
  type        = number

  # AWS Config's own limits.
  validation {
    condition     = var.config_retention_days >= 30 && var.config_retention_days <= 2557 && floor(var.config_retention_days) == var.config_retention_days
    error_message = "Keep what AWS Config records 30 to 2557 days (seven years): it takes no other."
  }
}

variable "guardduty_enabled" {
  description = "Whether GuardDuty looks for threats in the region."
  type        = bool
}

variable "guardduty_protections" {
  description = "What GuardDuty looks at besides what it always does, by the names of its features."
  type        = list(string)

  validation {
    condition = alltrue([
      for protection in var.guardduty_protections :
      contains(["EBS_MALWARE_PROTECTION", "EKS_AUDIT_LOGS", "LAMBDA_NETWORK_LOGS", "RDS_LOGIN_EVENTS", "RUNTIME_MONITORING", "S3_DATA_EVENTS"], protection)
    ]) && length(distinct(var.guardduty_protections)) == length(var.guardduty_protections)
    error_message = "Each protection of GuardDuty must be one of EBS_MALWARE_PROTECTION, EKS_AUDIT_LOGS, LAMBDA_NETWORK_LOGS, RDS_LOGIN_EVENTS, RUNTIME_MONITORING and S3_DATA_EVENTS, and named once."
  }
}

variable "security_hub_enabled" {
  description = "Whether Security Hub holds the account to standards in the region."
  type        = bool
}

variable "security_hub_standards" {
  description = "The standards of Security Hub, as their ARNs have them after `standards/`."
  type        = list(string)

  validation {
    condition     = alltrue([for standard in var.security_hub_standards : can(regex("^[a-z0-9-]+/v/[0-9]+\\.[0-9]+\\.[0-9]+$", standard))]) && length(distinct(var.security_hub_standards)) == length(var.security_hub_standards)
    error_message = "Each standard of Security Hub must be a name with its version, as its ARN has it after `standards/`, and named once (example: nist-800-53/v/5.0.0; `aws securityhub describe-standards` lists them)."
  }
}

variable "access_analyzer_enabled" {
  description = "Whether IAM Access Analyzer looks for what is open to others than the account in the region."
  type        = bool
}

variable "session_logging_enabled" {
  description = "Whether Session Manager logs its sessions in this region."
  type        = bool
}

variable "session_log_retention_days" {
  description = "Days that the logs of sessions are kept, in their log group and in their bucket."
  type        = number

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.session_log_retention_days,
    )
    error_message = "The session logs' retention must be one of the values that CloudWatch Logs accepts, such as 365 or 2192 (six years)."
  }
}

variable "finding_logs_enabled" {
  description = "Whether what GuardDuty, Security Hub and IAM Access Analyzer find is kept in a log group."
  type        = bool
}

variable "finding_log_retention_days" {
  description = "Days that findings are kept in their log group."
  type        = number

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.finding_log_retention_days,
    )
    error_message = "The findings' retention must be one of the values that CloudWatch Logs accepts, such as 365 or 2192 (six years)."
  }
}
