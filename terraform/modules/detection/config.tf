# AWS Config: what every resource of the account looked like at any time, and whether it is as a set of rules has it. It records
# for the home region, and IAM, which belongs to no region, there as well.

# The role that AWS made for this alone, with permissions that nobody can widen. An account has one at most.
resource "aws_iam_service_linked_role" "config" {
  count = var.config_enabled && var.config_service_linked_role_enabled ? 1 : 0

  aws_service_name = "config.amazonaws.com"

  tags = { Name = "AWSServiceRoleForConfig" }
}

resource "aws_config_configuration_recorder" "account" {
  count = local.config_count

  name     = "config-recorder-${var.environment}"
  role_arn = local.config_role_arn

  recording_group {
    all_supported                 = true
    include_global_resource_types = true
  }

  # Once a day would leave out whatever was undone within it.
  recording_mode {
    recording_frequency = "CONTINUOUS"
  }

  depends_on = [aws_iam_service_linked_role.config]
}

resource "aws_config_delivery_channel" "history" {
  count = local.config_count

  name           = "config-delivery-${var.environment}"
  s3_bucket_name = aws_s3_bucket.config_history[0].bucket
  s3_kms_key_arn = var.kms_key_arn

  snapshot_delivery_properties {
    delivery_frequency = "TwentyFour_Hours"
  }

  # By the policy AWS Config may deliver, which it tries at once.
  depends_on = [aws_config_configuration_recorder.account, aws_s3_bucket_policy.config_history]
}

resource "aws_config_configuration_recorder_status" "account" {
  count = local.config_count

  name       = aws_config_configuration_recorder.account[0].name
  is_enabled = true

  depends_on = [aws_config_delivery_channel.history]
}

# What AWS Config itself keeps, and shows as a resource's timeline.
resource "aws_config_retention_configuration" "history" {
  count = local.config_count

  retention_period_in_days = var.config_retention_days

  depends_on = [aws_config_configuration_recorder.account]
}

locals {
  config_rules = { for name, rule in yamldecode(file("${path.module}/config-rules.yaml")) : name => rule if var.config_enabled }
}

resource "aws_config_config_rule" "managed" {
  for_each = local.config_rules

  name                        = "config-rule-${each.key}-${var.environment}"
  description                 = each.value.description
  input_parameters            = can(each.value.parameters) ? jsonencode({ for name, of in each.value.parameters : name => local.config_rule_parameters[of] }) : null
  maximum_execution_frequency = try(each.value.frequency, null)

  source {
    owner             = "AWS"
    source_identifier = each.value.identifier
  }

  tags = { Name = "config-rule-${each.key}-${var.environment}" }

  depends_on = [aws_config_configuration_recorder.account]
}
