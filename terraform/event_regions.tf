# The quick path from further regions: a rule matches on the bus of its own region, so each region needs rules of its own that
# send to the home region's bus. Terraform's provider speaks to one region, and a provider for each would be a process for
# each. CloudFormation's stack sets put the same small stack into any number of regions, from the home region:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-prereqs-self-managed.html

locals {
  further_event_regions = var.event_path_enabled ? var.further_event_regions : toset([])
  event_stack_sets      = length(local.further_event_regions) > 0 ? 1 : 0

  event_stack_set_name      = "stackset-event-forwarding-${var.environment}"
  event_administration_role = "role-event-administration-${var.environment}"
  event_execution_role      = "role-event-execution-${var.environment}"

  # Where the rules are Terraform's own. The listed regions would not do: one that leaves the list is cleared after the policy.
  beyond_own_rules = { StringNotEquals = { "aws:RequestedRegion" = distinct([local.region, local.global_region]) } }

  # What begins the names of a partition's regions; nothing in the partition aws.
  region_prefix = "^(us-gov-|cn-|eusc-|us-isob?-|us-isof-|eu-isoe-)"
}

# Which regions this account need not ask for: of the others, CloudFormation assumes roles by a name of each region's own.
data "aws_regions" "reached" {
  count = local.event_stack_sets

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_cloudformation_stack_set" "forwarded" {
  count = local.event_stack_sets

  name                    = local.event_stack_set_name
  description             = "Rules that take what the compliance function judges to the bus of ${local.region}"
  permission_model        = "SELF_MANAGED"
  administration_role_arn = aws_iam_role.event_administration[0].arn
  execution_role_name     = aws_iam_role.event_execution[0].name

  # The same rules as in the home region, and as where the global services are (event_path.tf).
  template_body = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Description              = "Takes what the compliance function judges to the bus of ${local.region}"
    Resources = {
      for key, rule in local.event_rules : replace(title(key), "-", "") => {
        Type = "AWS::Events::Rule"
        Properties = {
          Name         = rule.name
          Description  = "Takes what the compliance function judges to the bus of ${local.region}"
          EventPattern = jsondecode(rule.pattern)
          State        = rule.state
          Targets = [{
            Id      = "home-region"
            Arn     = local.event_bus_arn
            RoleArn = aws_iam_role.event_forwarding.arn
          }]
        }
      }
    }
  })

  # CloudFormation hands these to each stack, and each stack to its rules.
  tags = { Name = local.event_stack_set_name }

  depends_on = [
    aws_iam_role_policy_attachment.event_administration,
    aws_iam_role_policy_attachment.event_execution,
    aws_iam_role_policy_attachment.event_forwarding,
  ]

  lifecycle {
    precondition {
      condition     = length(setintersection(local.further_event_regions, [var.region, local.global_region])) == 0
      error_message = "further_event_regions names ${join(", ", setintersection(local.further_event_regions, [var.region, local.global_region]))}, whose rules are there already: the home region and that of the global services need not be listed."
    }

    precondition {
      condition     = alltrue([for region in local.further_event_regions : try(regex(local.region_prefix, region)[0], "") == try(regex(local.region_prefix, var.region)[0], "")])
      error_message = "further_event_regions names regions of another partition than the home region ${var.region}: ${join(", ", local.further_event_regions)}. Events cannot leave their partition."
    }

    precondition {
      condition     = length(setsubtract(setunion(local.further_event_regions, [var.region]), data.aws_regions.reached[0].names)) == 0
      error_message = "CloudFormation's stack sets cannot serve ${join(", ", setsubtract(setunion(local.further_event_regions, [var.region]), data.aws_regions.reached[0].names))} from here: only regions that need no opt-in, on both sides. Leave them out of further_event_regions; their events come by the log group."
    }
  }
}

resource "aws_cloudformation_stack_instances" "forwarded" {
  count = local.event_stack_sets

  stack_set_name = aws_cloudformation_stack_set.forwarded[0].name
  regions        = local.further_event_regions

  operation_preferences {
    region_concurrency_type = "PARALLEL"
  }

  # The roles must be able to remove what they made.
  depends_on = [
    aws_iam_role_policy_attachment.event_administration,
    aws_iam_role_policy_attachment.event_execution,
  ]
}

# --- The roles of the stack set --------------------------------------------------------------------------------------

# CloudFormation wears the first in the home region, and by it the second wherever it makes, alters or removes a stack.
resource "aws_iam_role" "event_administration" {
  count = local.event_stack_sets

  name                 = local.event_administration_role
  description          = "Lets CloudFormation reach the regions from which events are forwarded"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CloudFormationAssumesRole"
      Effect    = "Allow"
      Principal = { Service = "cloudformation.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudformation:${local.region}:${local.account_id}:stackset/${local.event_stack_set_name}:*" }
      }
    }]
  })

  tags = { Name = local.event_administration_role }
}

resource "aws_iam_policy" "event_administration" {
  count = local.event_stack_sets

  name        = "policy-event-administration-${var.environment}"
  description = "Assume the role that makes the stacks"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AssumeExecutionRole"
      Effect   = "Allow"
      Action   = ["sts:AssumeRole"]
      Resource = [aws_iam_role.event_execution[0].arn]
    }]
  })

  tags = { Name = "policy-event-administration-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "event_administration" {
  count = local.event_stack_sets

  role       = aws_iam_role.event_administration[0].name
  policy_arn = aws_iam_policy.event_administration[0].arn
}

resource "aws_iam_role" "event_execution" {
  count = local.event_stack_sets

  name                 = local.event_execution_role
  description          = "Makes and removes the rules that forward events to ${local.region}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AdministrationRoleAssumesRole"
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.event_administration[0].arn }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = { Name = local.event_execution_role }
}

# What AWS gives the role of its own stack sets that make rules (the managed policy AWSQuickSetupDeploymentRolePolicy), and
# what the tags of a rule need, on this deployment's stacks and rules alone.
resource "aws_iam_policy" "event_execution" {
  count = local.event_stack_sets

  name        = "policy-event-execution-${var.environment}"
  description = "Make, alter and remove the stacks and rules that forward events"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ManageStacks"
        Effect = "Allow"
        Action = [
          "cloudformation:CreateChangeSet",
          "cloudformation:CreateStack",
          "cloudformation:DeleteChangeSet",
          "cloudformation:DeleteStack",
          "cloudformation:DescribeChangeSet",
          "cloudformation:ExecuteChangeSet",
          "cloudformation:UpdateStack",
        ]
        Resource  = ["arn:${local.partition}:cloudformation:*:${local.account_id}:stack/StackSet-${local.event_stack_set_name}-*"]
        Condition = local.beyond_own_rules
      },
      {
        Sid       = "FindStacks"
        Effect    = "Allow"
        Action    = ["cloudformation:DescribeStacks", "cloudformation:ListStacks"]
        Resource  = ["*"]
        Condition = local.beyond_own_rules
      },
      {
        Sid    = "ManageRules"
        Effect = "Allow"
        Action = [
          "events:DeleteRule",
          "events:DescribeRule",
          "events:ListTagsForResource",
          "events:ListTargetsByRule",
          "events:PutRule",
          "events:PutTargets",
          "events:RemoveTargets",
          "events:TagResource",
          "events:UntagResource",
        ]
        Resource  = ["arn:${local.partition}:events:*:${local.account_id}:rule/rule-*-${var.environment}"]
        Condition = local.beyond_own_rules
      },
      {
        Sid       = "PassForwardingRole"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = [aws_iam_role.event_forwarding.arn]
        Condition = { StringEquals = { "iam:PassedToService" = "events.amazonaws.com" } }
      },
    ]
  })

  tags = { Name = "policy-event-execution-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "event_execution" {
  count = local.event_stack_sets

  role       = aws_iam_role.event_execution[0].name
  policy_arn = aws_iam_policy.event_execution[0].arn
}
