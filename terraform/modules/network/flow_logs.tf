# Who spoke with whom: the VPC's traffic, accepted and rejected, in AWS's default format.

locals {
  flow_logs          = var.flow_logs_enabled ? 1 : 0
  flow_log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${var.flow_log_group_name}"
}

resource "aws_cloudwatch_log_group" "flow" {
  count = local.flow_logs

  name              = var.flow_log_group_name
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.flow_log_retention_days

  tags = { Name = var.flow_log_group_name }
}

# Only for flow logs of this account and region, so that nobody else has theirs written with it.
resource "aws_iam_role" "flow_logs" {
  count = local.flow_logs

  name                 = "role-vpc-flow-logs-${var.environment}"
  description          = "Lets VPC Flow Logs write to ${var.flow_log_group_name}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "FlowLogsAssumeRole"
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ec2:${local.region}:${local.account_id}:vpc-flow-log/*" }
      }
    }]
  })

  tags = { Name = "role-vpc-flow-logs-${var.environment}" }
}

# Without logs:CreateLogGroup: what is still on its way must not bring the group back after terraform destroy.
resource "aws_iam_policy" "flow_logs" {
  count = local.flow_logs

  name        = "policy-vpc-flow-logs-${var.environment}"
  description = "Write to the log streams of ${var.flow_log_group_name}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteFlowLogStreams"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "${local.flow_log_group_arn}:*"
      },
      {
        # AWS looks for the group by listing.
        Sid      = "FindLogGroup"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "*"
      },
    ]
  })

  tags = { Name = "policy-vpc-flow-logs-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "flow_logs" {
  count = local.flow_logs

  role       = aws_iam_role.flow_logs[0].name
  policy_arn = aws_iam_policy.flow_logs[0].arn
}

resource "aws_flow_log" "vpc" {
  count = local.flow_logs

  vpc_id                   = aws_vpc.audit.id
  traffic_type             = "ALL"
  log_destination_type     = "cloud-watch-logs"
  log_destination          = aws_cloudwatch_log_group.flow[0].arn
  iam_role_arn             = aws_iam_role.flow_logs[0].arn
  max_aggregation_interval = 600

  tags = { Name = "flow-log-vpc-${var.environment}" }

  # Else the first records find no permission, and AWS calls the flow log's delivery failed.
  depends_on = [aws_iam_role_policy_attachment.flow_logs]
}
