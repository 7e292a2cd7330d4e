# The quick path: EventBridge takes changes to the function itself, minutes before CloudTrail has written them to the log
# group. The subscription (function.tf) stays: it sees reads too, every region, and does not depend on these rules. Regions
# beyond that of the global services are in event_regions.tf.

locals {
  # Made from the function's own rules by lambda/event_patterns.py, and tested to be up to date.
  event_patterns = jsondecode(file("${path.module}/event-patterns.json"))

  event_rules = {
    for key, rule in local.event_patterns : key => {
      name    = "rule-${key}-${var.environment}"
      state   = rule.state
      pattern = jsonencode(rule.pattern)
    } if var.event_path_enabled
  }

  # Where each partition has the events of its global services: IAM, sign-in, Organizations.
  global_region = (
    startswith(var.region, "us-gov-") ? "us-gov-west-1" :
    startswith(var.region, "cn-") ? "cn-north-1" :
    startswith(var.region, "eusc-") ? "eusc-de-east-1" :
    "us-east-1"
  )
  forwarding_rules = var.region == local.global_region ? {} : local.event_rules

  forwarded_rule_arn_prefix = "arn:${local.partition}:events:${local.global_region}:${local.account_id}:rule"
  further_rule_arns = [
    for region in local.further_event_regions : "arn:${local.partition}:events:${region}:${local.account_id}:rule/rule-*-${var.environment}"
  ]
  event_bus_arn = "arn:${local.partition}:events:${local.region}:${local.account_id}:event-bus/default"
}

resource "aws_cloudwatch_event_rule" "violations" {
  for_each = local.event_rules

  name          = each.value.name
  description   = "Takes what the compliance function judges to it"
  event_pattern = each.value.pattern
  state         = each.value.state

  tags = { Name = each.value.name }

  lifecycle {
    precondition {
      condition     = length(each.value.pattern) <= 2048
      error_message = "The pattern ${each.key} of event-patterns.json is longer than the 2048 characters that EventBridge takes. Make the file anew with: python lambda/event_patterns.py"
    }
  }
}

resource "aws_lambda_permission" "violations" {
  for_each = local.event_rules

  statement_id   = "AllowRule${replace(title(each.key), "-", "")}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.compliance_checker.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.violations[each.key].arn
  source_account = local.account_id
}

resource "aws_cloudwatch_event_target" "violations" {
  for_each = local.event_rules

  rule      = aws_cloudwatch_event_rule.violations[each.key].name
  target_id = "compliance-checker"
  arn       = aws_lambda_function.compliance_checker.arn

  depends_on = [aws_lambda_permission.violations]
}

# --- From the region of the global services --------------------------------------------------------------------------

# Its rules send to the home region's default bus, whose own rules then match: the same patterns on both sides.
resource "aws_cloudwatch_event_rule" "forwarded" {
  for_each = local.forwarding_rules
  provider = aws.global_services

  name          = each.value.name
  description   = "Takes what the compliance function judges to the bus of ${local.region}"
  event_pattern = each.value.pattern
  state         = each.value.state

  tags = { Name = each.value.name }
}

resource "aws_cloudwatch_event_target" "forwarded" {
  for_each = local.forwarding_rules
  provider = aws.global_services

  rule      = aws_cloudwatch_event_rule.forwarded[each.key].name
  target_id = "home-region"
  arn       = local.event_bus_arn
  role_arn  = aws_iam_role.event_forwarding.arn

  depends_on = [aws_iam_role_policy_attachment.event_forwarding]
}

# For these rules alone: without the condition any rule of the account could put events on the bus by this role. It is there
# where nothing needs to be forwarded too, so that a deployment has the same roles in every region.
resource "aws_iam_role" "event_forwarding" {
  name                 = "role-event-forwarding-${var.environment}"
  description          = "Lets EventBridge take events of other regions to the bus of ${local.region}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventBridgeAssumesRole"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike = { "aws:SourceArn" = concat(
          [for key in keys(local.event_patterns) : "${local.forwarded_rule_arn_prefix}/rule-${key}-${var.environment}"],
          # Not by each name: a trust policy holds 2048 characters.
          local.further_rule_arns,
        ) }
      }
    }]
  })

  tags = { Name = "role-event-forwarding-${var.environment}" }
}

resource "aws_iam_policy" "event_forwarding" {
  name        = "policy-event-forwarding-${var.environment}"
  description = "Put events on the default bus of ${local.region}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "PutEventsOnBus"
      Effect   = "Allow"
      Action   = ["events:PutEvents"]
      Resource = [local.event_bus_arn]
    }]
  })

  tags = { Name = "policy-event-forwarding-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "event_forwarding" {
  role       = aws_iam_role.event_forwarding.name
  policy_arn = aws_iam_policy.event_forwarding.arn
}
