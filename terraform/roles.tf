# One role a service. Policies are managed policies, one attachment each: they can be tagged, versioned and listed, which
# inline policies cannot.

# --- CloudTrail to CloudWatch Logs -----------------------------------------------------------------------------------

# No aws:SourceArn here: AWS documents that CloudTrail does not support it when it assumes this role.
resource "aws_iam_role" "trail_logs" {
  name                 = "role-cloudtrail-logs-${var.environment}"
  description          = "Lets CloudTrail write ${local.trail_name} to its log group"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "CloudTrailAssumesRole"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = { Name = "role-cloudtrail-logs-${var.environment}" }
}

# CloudTrail names its streams <account>_CloudTrail_<region>, with a number when there are several.
resource "aws_iam_policy" "trail_logs" {
  name        = "policy-cloudtrail-logs-${var.environment}"
  description = "Write to the log streams of ${local.trail_name}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteTrailLogStreams"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.trail_log_group_arn}:log-stream:${local.account_id}_CloudTrail_${local.region}*"
    }]
  })

  tags = { Name = "policy-cloudtrail-logs-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "trail_logs" {
  role       = aws_iam_role.trail_logs.name
  policy_arn = aws_iam_policy.trail_logs.arn
}

# --- Compliance function ---------------------------------------------------------------------------------------------

resource "aws_iam_role" "function" {
  name                 = "role-compliance-checker-${var.environment}"
  description          = "Execution role of ${local.function_name}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaAssumesRole"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = { Name = "role-compliance-checker-${var.environment}" }
}

locals {
  # What a record alone cannot tell, in every region that the trail covers: what a prefix list holds (one's own or AWS's),
  # which way a changed rule leads, what a customer-managed policy or a group grants, and what became of a trail's empty setting.
  function_confirmation_statements = [
    {
      Sid    = "ReadPrefixLists"
      Effect = "Allow"
      Action = ["ec2:GetManagedPrefixListEntries"]
      Resource = [
        "arn:${local.partition}:ec2:*:${local.account_id}:prefix-list/*",
        "arn:${local.partition}:ec2:*:aws:prefix-list/*",
      ]
    },
    {
      Sid      = "ReadSecurityGroupRules"
      Effect   = "Allow"
      Action   = ["ec2:DescribeSecurityGroupRules"]
      Resource = ["*"]
    },
    {
      Sid      = "ReadCustomerPolicies"
      Effect   = "Allow"
      Action   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
      Resource = ["arn:${local.partition}:iam::${local.account_id}:policy/*"]
    },
    {
      Sid      = "ReadGroupPolicies"
      Effect   = "Allow"
      Action   = ["iam:GetGroupPolicy", "iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies"]
      Resource = ["arn:${local.partition}:iam::${local.account_id}:group/*"]
    },
    {
      Sid      = "ReadTrails"
      Effect   = "Allow"
      Action   = ["cloudtrail:GetTrail"]
      Resource = ["arn:${local.partition}:cloudtrail:*:${local.account_id}:trail/*"]
    },
  ]
}

locals {
  # For the scan, only where it is on: each check reads what it looks at, and no more. The calls that list know no resource.
  function_scan_actions = {
    security-groups = ["ec2:DescribeSecurityGroups"]
    buckets         = ["s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"]
    trails          = ["cloudtrail:DescribeTrails"]
    flow-logs       = ["ec2:DescribeFlowLogs", "ec2:DescribeVpcs"]
  }
  function_scan_statements = !var.account_scan_enabled ? [] : concat(
    [{
      Sid      = "ScanAccount"
      Effect   = "Allow"
      Action   = sort(flatten([for check in var.account_scan_checks : local.function_scan_actions[check]]))
      Resource = ["*"]
    }],
    !contains(var.account_scan_checks, "buckets") ? [] : [{
      Sid      = "ScanBuckets"
      Effect   = "Allow"
      Action   = ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration"]
      Resource = ["arn:${local.partition}:s3:::*"]
    }],
    !contains(var.account_scan_checks, "trails") ? [] : [{
      Sid      = "ScanTrails"
      Effect   = "Allow"
      Action   = ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrailStatus"]
      Resource = ["arn:${local.partition}:cloudtrail:*:*:trail/*"]
    }],
  )
}

locals {
  # For remediation: what each remedy reads, and, unless it is a dry run, the one call that it makes.
  remediation_targets = {
    buckets = ["arn:${local.partition}:s3:::*"]
    keys    = ["arn:${local.partition}:kms:*:${local.account_id}:key/*"]
    # A rule is revoked by its own id: EC2 asks for the permission on the group and on the rule.
    security-groups = [for type in ["security-group", "security-group-rule"] : "arn:${local.partition}:ec2:*:${local.account_id}:${type}/*"]
    trails          = ["arn:${local.partition}:cloudtrail:*:${local.account_id}:trail/*"]
  }
  remediation_remedies = {
    kms-key-rotation-disabled = {
      target = "keys", read = ["kms:GetKeyRotationStatus", "kms:ListResourceTags"], change = "kms:EnableKeyRotation"
    }
    public-access-block-weakened = {
      target = "buckets", read = ["s3:GetBucketPublicAccessBlock", "s3:GetBucketTagging"], change = "s3:PutBucketPublicAccessBlock"
    }
    security-group-open-to-internet         = { target = "security-groups", read = [], change = "ec2:RevokeSecurityGroupIngress" }
    security-group-rule-changed-to-internet = { target = "security-groups", read = [], change = "ec2:RevokeSecurityGroupIngress" }
    trail-stopped                           = { target = "trails", read = ["cloudtrail:GetTrailStatus", "cloudtrail:ListTags"], change = "cloudtrail:StartLogging" }
    trail-weakened                          = { target = "trails", read = ["cloudtrail:ListTags"], change = "cloudtrail:UpdateTrail" }
  }
  remediation_chosen = { for rule, remedy in local.remediation_remedies : rule => remedy if contains(var.remediation_rules, rule) }
  function_remediation_statements = concat(
    [for target in distinct(values(local.remediation_chosen)[*].target) : {
      Sid    = "Remedy${replace(title(target), "-", "")}"
      Effect = "Allow"
      Action = sort(distinct(flatten([
        for remedy in values(local.remediation_chosen) :
        concat(remedy.read, var.remediation_mode == "apply" ? [remedy.change] : [])
        if remedy.target == target
      ])))
      Resource = local.remediation_targets[target]
      } if target != "security-groups" || var.remediation_mode == "apply"
    ],
    # EC2's Describe calls know no resource.
    !contains(values(local.remediation_chosen)[*].target, "security-groups") ? [] : [{
      Sid      = "ReadSecurityGroupTags"
      Effect   = "Allow"
      Action   = ["ec2:DescribeSecurityGroups"]
      Resource = ["*"]
    }],
  )
}

# Without logs:CreateLogGroup: a late invocation must not bring the log group back after terraform destroy.
resource "aws_iam_policy" "function" {
  name        = "policy-compliance-checker-${var.environment}"
  description = "Log, publish alerts and set aside what cannot be processed"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${local.function_log_group_arn}:*"]
      },
      {
        Sid      = "PublishAlerts"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [local.alert_topic_arn]
      },
      {
        Sid      = "SetAsideRecords"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [local.dead_letter_queue_arn]
      },
      {
        # Takes and closes alerts: TransactWriteItems asks for no more than its updates do.
        Sid      = "KeepAlertLedger"
        Effect   = "Allow"
        Action   = ["dynamodb:UpdateItem"]
        Resource = [local.ledger_table_arn]
      },
      {
        # Through the services that keep what it writes, and Lambda for its own variables; not what else the key protects.
        Sid      = "EncryptRecords"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey*", "kms:Decrypt"]
        Resource = [aws_kms_key.logs.arn]
        Condition = {
          StringEquals = {
            "kms:ViaService" = [for service in ["dynamodb", "lambda", "sqs"] : "${service}.${local.region}.${local.dns_suffix}"]
          }
        }
      },
      ], [
      # An existing topic has a key of its own, or none.
      for key in local.alert_topic_key_arns : {
        Sid       = "EncryptAlerts"
        Effect    = "Allow"
        Action    = ["kms:GenerateDataKey*", "kms:Decrypt"]
        Resource  = [key]
        Condition = { StringEquals = { "kms:ViaService" = ["sns.${local.region}.${local.dns_suffix}"] } }
      }
    ], local.function_confirmation_statements, local.function_scan_statements, local.function_remediation_statements)
  })

  tags = { Name = "policy-compliance-checker-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.function.arn
}
