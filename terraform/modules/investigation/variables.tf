# What the trail's files are asked through. The root's variables of the same names are the user's, with their defaults; what a
# good value is is said here.

variable "environment" {
  description = "Name of the environment, which ends every resource name. The caller says what it may be."
  type        = string
}

variable "log_bucket_name" {
  description = "Name of the bucket that holds the trail's log files, which lie below AWSLogs/ in it."
  type        = string
}

variable "log_retention_days" {
  description = "Days that log files are kept: so far back the table reaches. The caller says what it may be."
  type        = number
}

variable "organization_id" {
  description = "ID of the organization whose trail it is, and which is then in each file's path (AWSLogs/<organization>/<account>/). Null for a trail of one account."
  type        = string

  validation {
    condition     = var.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "The organization's ID begins with o- (example: o-a1b2c3d4e5), as `aws organizations describe-organization` shows it; leave it null for a trail of one account."
  }
}

variable "account_ids" {
  description = "IDs of the accounts whose files the trail delivers: its own, or those of the organization."
  type        = list(string)

  validation {
    condition     = length(var.account_ids) > 0 && alltrue([for account in var.account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "Name at least one account, each by its 12 digits (example: 123456789012): of an account that is not named, no file is found."
  }
}

variable "regions" {
  description = "Codes of the regions that the trail records."
  type        = list(string)

  validation {
    condition     = length(var.regions) > 0 && alltrue([for region in var.regions : can(regex("^[a-z]{2,5}(-[a-z]+)+-[0-9]$", region))])
    error_message = "Name at least one region, each by its code (example: ap-southeast-1): of a region that is not named, no file is found."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the results of queries: whoever may not decrypt log files by it sees no result either."
  type        = string
}

variable "result_reader_arns" {
  description = "ARNs of the roles that ask, and see the results: nobody else reads or writes them."
  type        = list(string)
}

# A list, since a plan knows how long it is before it knows the name.
variable "access_log_bucket_names" {
  description = "Name of the bucket that requests for results are logged in, whose policy admits that. Without one none is logged."
  type        = list(string)
}

variable "investigation_results_days" {
  description = "Days that the results of queries are kept."
  type        = number

  validation {
    condition     = var.investigation_results_days >= 1 && var.investigation_results_days <= 90 && floor(var.investigation_results_days) == var.investigation_results_days
    error_message = "Keep the results of queries 1 to 90 days: they are copies of log records, outside the log bucket's lock and archive. Download what an investigation has to keep."
  }
}

variable "investigation_scan_limit_gigabytes" {
  description = "Gigabytes (2^30 bytes) that one query may read before Athena stops it."
  type        = number

  # Athena takes 10 MB (10^7 bytes) at least.
  validation {
    condition     = var.investigation_scan_limit_gigabytes >= 1 && var.investigation_scan_limit_gigabytes <= 10240 && floor(var.investigation_scan_limit_gigabytes) == var.investigation_scan_limit_gigabytes
    error_message = "Let one query read 1 to 10240 gigabytes (2^30 bytes), a whole number."
  }
}
