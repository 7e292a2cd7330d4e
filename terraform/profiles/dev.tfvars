# A private audit stack that costs little and tears down cleanly.

profile     = "dev"
environment = "dev"

vpc_cidr_block             = "10.0.0.0/16"
private_subnet_cidr_blocks = ["10.0.10.0/24", "10.0.20.0/24"]

key_deletion_window_days = 7
log_bucket_force_destroy = true
log_group_retention_days = 7

activity_alarms = [
  "security-group-changes",
  "iam-policy-changes",
  "root-account-use",
  "cloudtrail-changes",
]
