# The stack of a healthcare provider: what dev has, kept for years and watched more closely.

profile     = "prod"
environment = "prod"

vpc_cidr_block             = "10.0.0.0/16"
private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.11.0/24"]

key_deletion_window_days = 30
log_bucket_force_destroy = true
log_group_retention_days = 365

activity_alarms = [
  "security-group-changes",
  "network-acl-changes",
  "gateway-changes",
  "route-table-changes",
  "vpc-changes",
  "iam-policy-changes",
  "cloudtrail-changes",
  "key-removals",
  "bucket-policy-changes",
  "config-changes",
  "root-account-use",
  "unauthorized-calls",
  "sign-ins-without-mfa",
  "failed-sign-ins",
]

public_subnet_cidr_blocks = ["10.0.1.0/24", "10.0.2.0/24"]
# Telnet, Windows' file sharing and remote desktop, databases and caches, and the application's own port.
network_acl_blocked_ports = [23, 445, 1433, 3306, 3389, 5432, 6379, 8080, 27017]
gateway_endpoints         = ["s3", "dynamodb"]
interface_endpoints       = ["kms", "logs", "sns"]
flow_logs_enabled         = true
flow_log_retention_days   = 365
application_log_groups    = { django = {}, laravel = {} }
log_retention_days        = 2557 # seven years
log_lifecycle_enabled     = true
log_archive_after_days    = 90
object_lock_mode          = "GOVERNANCE"
access_logs_enabled       = true

# Who may assume the roles is yours to name: break_glass_principals, investigation_principals, compliance_tools_principals.
access_roles_enabled             = true
investigation_role_probe_enabled = true
verifier_probes                  = ["bucket", "key", "network", "role"]
investigation_enabled            = true

data_events = ["AWS::Lambda::Function", "AWS::S3::Object"]

# What an organization runs centrally it switches off here.
config_enabled          = true
session_logging_enabled = true

# Threats, standards, and what is open to others than the account.
guardduty_enabled       = true
security_hub_enabled    = true
access_analyzer_enabled = true
finding_logs_enabled    = true

account_settings_enabled = true

account_scan_enabled         = true
unusual_access_alarm_enabled = true
dashboard_enabled            = true
