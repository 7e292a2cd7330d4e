# Who may see the trail's records, and who may stop it, where access roles are on:
#
#   role-break-glass       alters what the trail stands on, and reads; with a second factor and under one's own name
#   role-investigation     reads log files and asks them and the log groups, and changes nothing
#   role-compliance-tools  reads log files, digests and the trail's configuration
#
# The bucket's and the key's policies refuse log files to everyone but these and the verifier. No policy of a log group can
# refuse (CloudWatch Logs' are for services that write), so who reads those is the account's own IAM, which is verified.

locals {
  # The role that alone is spared by what denies: our own, unless another is given.
  own_break_glass_role = var.access_roles_enabled && var.break_glass_role_arn == null
  break_glass_role_arn = local.own_break_glass_role ? "${local.iam_arn_prefix}:role/role-break-glass-${var.environment}" : var.break_glass_role_arn

  investigation_role_arn    = "${local.iam_arn_prefix}:role/role-investigation-${var.environment}"
  compliance_tools_role_arn = "${local.iam_arn_prefix}:role/role-compliance-tools-${var.environment}"

  # Who reads log files. ARNs built from names: the bucket's and the key's policies come before the roles.
  log_reader_arns = !var.access_roles_enabled ? [] : sort([
    local.break_glass_role_arn,
    local.investigation_role_arn,
    local.compliance_tools_role_arn,
    "${local.iam_arn_prefix}:role/role-verifier-${var.environment}",
  ])

  # Missing keys make negated operators and IfExists hold: anonymous callers are refused as well.
  everyone_but_log_readers = {
    ArnNotLike   = { "aws:PrincipalArn" = local.log_reader_arns }
    BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
  }

  log_bucket_reading_statements = [
    for arn in slice([local.log_bucket_arn], 0, var.access_roles_enabled ? 1 : 0) : {
      Sid       = "DenyReadsByOthers"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource  = "${arn}/*"
      Condition = local.everyone_but_log_readers
    }
  ]

  # Through S3 alone: the function, for one, decrypts its own variables, the queue's messages and the ledger by this key.
  key_reading_statements = [
    for service in slice(["s3"], 0, var.access_roles_enabled ? 1 : 0) : {
      Sid       = "DenyDecryptionByOthers"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "kms:Decrypt"
      Resource  = "*"
      Condition = merge(local.everyone_but_log_readers, {
        # S3 itself wears the role that copies files, and takes them to the copies' bucket alone.
        ArnNotLike   = { "aws:PrincipalArn" = concat(local.log_reader_arns, local.replicas > 0 ? ["${local.iam_arn_prefix}:role/${local.replication_role}"] : []) }
        StringEquals = { "kms:ViaService" = "${service}.${local.region}.${local.dns_suffix}" }
      })
    }
  ]

  # The ways to stop the trail, or to make it, its records, its checks or its alerts go unseen: all are denied by
  # policy-trail-protection to everyone but the break-glass role, whose own these are.
  trail_altering_acts = {
    trail = {
      actions = [
        "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:PutInsightSelectors", "cloudtrail:StopLogging",
        "cloudtrail:UpdateTrail",
      ]
      resources = [local.trail_arn]
    }
    # They know no resource: AWS accepts them for "*" only.
    account = {
      actions = [
        "cloudtrail:DeregisterOrganizationDelegatedAdmin", "cloudtrail:RegisterOrganizationDelegatedAdmin",
        "logs:DeleteAccountPolicy", "logs:PutAccountPolicy", "logs:PutResourcePolicy", "s3:PutAccountPublicAccessBlock",
      ]
      resources = ["*"]
    }
    bucket = {
      actions = [
        "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutAnalyticsConfiguration", "s3:PutBucketAcl", "s3:PutBucketLogging",
        "s3:PutBucketNotification", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketOwnershipControls",
        "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
        "s3:PutInventoryConfiguration", "s3:PutLifecycleConfiguration", "s3:PutMetricsConfiguration", "s3:PutReplicationConfiguration",
      ]
      resources = [local.log_bucket_arn]
    }
    files = {
      actions = [
        "s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectLegalHold",
        "s3:PutObjectRetention",
      ]
      resources = ["${local.log_bucket_arn}/*"]
    }
    key = {
      actions = [
        "kms:CreateGrant", "kms:DeleteAlias", "kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:DisableKeyRotation",
        "kms:PutKeyPolicy", "kms:ReplicateKey", "kms:RetireGrant", "kms:RevokeGrant", "kms:ScheduleKeyDeletion",
        "kms:UpdateAlias",
      ]
      resources = [aws_kms_key.logs.arn, "arn:${local.partition}:kms:${local.region}:${local.account_id}:${local.key_alias}"]
    }
    log-groups = {
      actions = [
        "logs:AssociateKmsKey", "logs:DeleteLogGroup", "logs:DeleteLogStream", "logs:DeleteMetricFilter",
        "logs:DeleteRetentionPolicy", "logs:DeleteSubscriptionFilter", "logs:DisassociateKmsKey",
        "logs:PutDataProtectionPolicy", "logs:PutLogGroupDeletionProtection", "logs:PutMetricFilter",
        "logs:PutRetentionPolicy", "logs:PutSubscriptionFilter", "logs:PutTransformer",
      ]
      resources = [
        for arn in [local.trail_log_group_arn, local.function_log_group_arn] : "${arn}*"
      ]
    }
    topics = {
      actions = [
        "sns:AddPermission", "sns:DeleteTopic", "sns:PutDataProtectionPolicy", "sns:RemovePermission", "sns:SetTopicAttributes",
      ]
      resources = [local.alert_topic_arn, local.delivery_topic_arn]
    }
    function = {
      actions = [
        "lambda:AddPermission", "lambda:CreateFunctionUrlConfig", "lambda:DeleteAlias", "lambda:DeleteFunction",
        "lambda:DeleteFunctionEventInvokeConfig", "lambda:PutFunctionConcurrency", "lambda:PutFunctionEventInvokeConfig",
        "lambda:PutRuntimeManagementConfig", "lambda:RemovePermission", "lambda:UpdateAlias", "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionEventInvokeConfig", "lambda:UpdateFunctionUrlConfig",
      ]
      resources = [local.function_arn, "${local.function_arn}:*"]
    }
    rules = {
      actions   = ["events:DeleteRule", "events:DisableRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"]
      resources = ["arn:${local.partition}:events:*:${local.account_id}:rule/rule-*-${var.environment}"]
    }
    alarms = {
      actions = [
        "cloudwatch:DeleteAlarms", "cloudwatch:DisableAlarmActions", "cloudwatch:PutAlarmMuteRule",
        "cloudwatch:PutMetricAlarm", "cloudwatch:SetAlarmState",
      ]
      resources = [
        "arn:${local.partition}:cloudwatch:${local.region}:${local.account_id}:alarm:alarm-*-${var.environment}",
        local.mute_rule_arn_pattern,
      ]
    }
    queues = {
      actions = [
        "sqs:AddPermission", "sqs:DeleteQueue", "sqs:PurgeQueue", "sqs:RemovePermission", "sqs:SetQueueAttributes",
      ]
      resources = [local.delivery_queue_arn, local.dead_letter_queue_arn]
    }
    ledger = {
      actions   = ["dynamodb:DeleteTable", "dynamodb:PutResourcePolicy", "dynamodb:UpdateTable"]
      resources = [local.ledger_table_arn]
    }
  }

  # Who may alter the roles and policies here may give itself all that. Denied as well, and not the break-glass role's.
  role_altering_acts = {
    roles = {
      actions = [
        "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ]
      resources = ["${local.iam_arn_prefix}:role/role-*-${var.environment}"]
    }
    policies = {
      actions   = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"]
      resources = ["${local.iam_arn_prefix}:policy/policy-*-${var.environment}"]
    }
  }

  # As a policy of roles and people, and, as it stands, as a service control policy of the organization, which holds 5120
  # characters: so all in two statements, since no action can be asked for on another service's resources. By
  # aws:PrincipalArn a role's sessions bear the role's ARN.
  denied_acts = merge(local.trail_altering_acts, local.role_altering_acts)
  trail_protection_policy = {
    Version = "2012-10-17"
    Statement = [
      for account_wide in [false, true] : {
        Sid       = account_wide ? "DenyAccountWideActs" : "DenyActsOnTrail"
        Effect    = "Deny"
        Action    = sort(flatten([for purpose, acts in local.denied_acts : acts.actions if(purpose == "account") == account_wide]))
        Resource  = sort(flatten([for purpose, acts in local.denied_acts : acts.resources if(purpose == "account") == account_wide]))
        Condition = { ArnNotLike = { "aws:PrincipalArn" = concat(compact([local.break_glass_role_arn]), sort(var.trail_administrator_arns)) } }
      }
    ]
  }

  # Whom each role's trust admits. Nobody: a policy that denies everyone, for a trust policy must say something.
  nobody = [{ Sid = "NobodyAssumesRole", Effect = "Deny", Principal = "*", Action = "sts:AssumeRole" }]
}

# --- Break glass -----------------------------------------------------------------------------------------------------

resource "aws_iam_role" "break_glass" {
  count = local.own_break_glass_role ? 1 : 0

  name                 = "role-break-glass-${var.environment}"
  description          = "Alters the audit trail when nothing else helps: with a second factor, for an hour, and heard by the alert topic"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  # Without sts:SetSourceIdentity nobody can give a source other than who it is. The session's name is the user's own.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.nobody, [{
        Sid       = "NamedUsersAssumeRoleWithSecondFactor"
        Effect    = "Allow"
        Principal = { AWS = sort(var.break_glass_principals) }
        Action    = "sts:AssumeRole"
        Condition = {
          Bool            = { "aws:MultiFactorAuthPresent" = "true" }
          NumericLessThan = { "aws:MultiFactorAuthAge" = tostring(var.break_glass_mfa_age_seconds) }
          StringEquals    = { "sts:RoleSessionName" = "$${aws:username}" }
        }
      }]) : statement if(statement.Effect == "Deny") == (length(var.break_glass_principals) == 0)
    ]
  })

  tags = { Name = "role-break-glass-${var.environment}" }
}

resource "aws_iam_policy" "break_glass" {
  count = length(aws_iam_role.break_glass)

  name        = "policy-break-glass-${var.environment}"
  description = "Alter what the audit trail stands on, and put it right again"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      for purpose, acts in local.trail_altering_acts : {
        Sid      = "Alter${replace(title(replace(purpose, "-", " ")), " ", "")}"
        Effect   = "Allow"
        Action   = acts.actions
        Resource = acts.resources
      }
      ], [
      {
        Sid      = "RestartTrail"
        Effect   = "Allow"
        Action   = ["cloudtrail:StartLogging"]
        Resource = [local.trail_arn]
      },
      {
        Sid      = "RestoreKey"
        Effect   = "Allow"
        Action   = ["kms:CancelKeyDeletion", "kms:EnableKey", "kms:EnableKeyRotation"]
        Resource = [aws_kms_key.logs.arn]
      },
    ])
  })

  tags = { Name = "policy-break-glass-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "break_glass" {
  count = length(aws_iam_role.break_glass)

  role       = aws_iam_role.break_glass[0].name
  policy_arn = aws_iam_policy.break_glass[0].arn
}

# --- Investigation and compliance tools ------------------------------------------------------------------------------

resource "aws_iam_role" "investigation" {
  count = var.access_roles_enabled ? 1 : 0

  name                 = "role-investigation-${var.environment}"
  description          = "Investigates what happened: reads log files, asks the log groups, and changes nothing"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.nobody, [{
        Sid       = "InvestigatorsAssumeRole"
        Effect    = "Allow"
        Principal = { AWS = local.investigators }
        Action    = "sts:AssumeRole"
      }]) : statement if(statement.Effect == "Deny") == (length(local.investigators) == 0)
    ]
  })

  tags = { Name = "role-investigation-${var.environment}" }
}

locals {
  # The verifier among them where it tries what must be refused to this role.
  investigation_probed = var.access_roles_enabled && var.investigation_role_probe_enabled
  investigators        = concat(sort(var.investigation_principals), local.investigation_probed ? [aws_iam_role.verifier.arn] : [])
}

resource "aws_iam_role" "compliance_tools" {
  count = var.access_roles_enabled ? 1 : 0

  name                 = "role-compliance-tools-${var.environment}"
  description          = "Lets auditors' tools read log files, digests and the audit trail's configuration"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.nobody, [{
        Sid       = "ComplianceToolsAssumeRole"
        Effect    = "Allow"
        Principal = { AWS = sort(var.compliance_tools_principals) }
        Action    = "sts:AssumeRole"
      }]) : statement if(statement.Effect == "Deny") == (length(var.compliance_tools_principals) == 0)
    ]
  })

  tags = { Name = "role-compliance-tools-${var.environment}" }
}

# --- What they may see -----------------------------------------------------------------------------------------------

resource "aws_iam_policy" "log_files" {
  count = var.access_roles_enabled ? 1 : 0

  name        = "policy-log-files-${var.environment}"
  description = "Read the audit trail's log and digest files"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FindLogFiles"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions"]
        Resource = [local.log_bucket_arn]
      },
      {
        Sid      = "ReadLogFiles"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = ["${local.log_bucket_arn}/AWSLogs/${local.account_id}/*"]
      },
      {
        Sid       = "DecryptLogFiles"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [aws_kms_key.logs.arn]
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.dns_suffix}" } }
      },
    ]
  })

  tags = { Name = "policy-log-files-${var.environment}" }
}

resource "aws_iam_policy" "log_events" {
  count = var.access_roles_enabled ? 1 : 0

  name        = "policy-log-events-${var.environment}"
  description = "Ask the log groups of the audit trail, by Logs Insights and one by one"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ReadLogEvents"
        Effect = "Allow"
        Action = [
          "logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogGroupFields", "logs:StartQuery",
        ]
        Resource = flatten([
          for arn in concat(
            [local.trail_log_group_arn, local.function_log_group_arn],
            local.flow_log_group_arns,
            local.finding_log_group_arns,
            sort(var.investigation_log_group_arns),
          ) : [arn, "${arn}:*"]
        ])
      },
      {
        # These know no resource; what a query found is seen by its id alone, which StartQuery gives.
        Sid      = "FollowQueries"
        Effect   = "Allow"
        Action   = ["cloudtrail:LookupEvents", "logs:DescribeLogGroups", "logs:DescribeQueries", "logs:GetQueryResults", "logs:StopQuery"]
        Resource = ["*"]
      },
    ]
  })

  tags = { Name = "policy-log-events-${var.environment}" }
}

resource "aws_iam_policy" "trail_configuration" {
  count = var.access_roles_enabled ? 1 : 0

  name        = "policy-trail-configuration-${var.environment}"
  description = "Read how the audit trail, its bucket and its key are configured"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # They know no resource: AWS accepts them for "*" only.
        Sid      = "FindTrail"
        Effect   = "Allow"
        Action   = ["cloudtrail:DescribeTrails", "cloudtrail:ListPublicKeys"]
        Resource = ["*"]
      },
      {
        Sid      = "ReadTrail"
        Effect   = "Allow"
        Action   = ["cloudtrail:GetEventSelectors", "cloudtrail:GetTrail", "cloudtrail:GetTrailStatus", "cloudtrail:ListTags"]
        Resource = [local.trail_arn]
      },
      {
        Sid    = "ReadLogBucket"
        Effect = "Allow"
        Action = [
          "s3:GetBucketAcl", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPolicy",
          "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
        ]
        Resource = [local.log_bucket_arn]
      },
      {
        Sid      = "ReadKey"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"]
        Resource = [aws_kms_key.logs.arn]
      },
    ]
  })

  tags = { Name = "policy-trail-configuration-${var.environment}" }
}

resource "aws_iam_policy" "trail_protection" {
  count = var.access_roles_enabled ? 1 : 0

  name        = "policy-trail-protection-${var.environment}"
  description = "Deny everyone but the break-glass role whatever would stop the audit trail or blind it"
  policy      = jsonencode(local.trail_protection_policy)

  tags = { Name = "policy-trail-protection-${var.environment}" }

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.trail_protection_policy)) <= 5120
      error_message = "The policy that protects the trail is longer than the 5120 characters of a service control policy: name fewer trail_administrator_arns, or roles with shorter names."
    }
  }
}

locals {
  # Which of these policies each role has. The function's remedies, where they are applied, alter trails.
  access_policies = !var.access_roles_enabled ? {} : {
    log-files = {
      arn   = aws_iam_policy.log_files[0].arn
      roles = concat(aws_iam_role.break_glass[*].name, aws_iam_role.investigation[*].name, aws_iam_role.compliance_tools[*].name)
    }
    log-events = {
      arn   = aws_iam_policy.log_events[0].arn
      roles = concat(aws_iam_role.break_glass[*].name, aws_iam_role.investigation[*].name)
    }
    investigation-queries = {
      arn   = one(aws_iam_policy.investigation_queries[*].arn)
      roles = var.investigation_enabled ? aws_iam_role.investigation[*].name : []
    }
    trail-configuration = {
      arn   = aws_iam_policy.trail_configuration[0].arn
      roles = concat(aws_iam_role.break_glass[*].name, aws_iam_role.investigation[*].name, aws_iam_role.compliance_tools[*].name)
    }
    trail-protection = {
      arn = aws_iam_policy.trail_protection[0].arn
      roles = concat(
        aws_iam_role.investigation[*].name,
        aws_iam_role.compliance_tools[*].name,
        [aws_iam_role.verifier.name, aws_iam_role.trail_logs.name, aws_iam_role.event_forwarding.name],
        length(var.remediation_rules) > 0 && var.remediation_mode == "apply" ? [] : [aws_iam_role.function.name],
      )
    }
  }
}

resource "aws_iam_role_policy_attachment" "access" {
  # By names that are known before anything is made.
  for_each = {
    for attachment in flatten([
      for policy, attached in local.access_policies : [for role in attached.roles : { policy = policy, role = role, arn = attached.arn }]
    ]) : "${attachment.policy}/${attachment.role}" => attachment
  }

  role       = each.value.role
  policy_arn = each.value.arn
}

# --- Use of the break-glass role is heard ----------------------------------------------------------------------------

locals {
  # Joined to the activity alarms. That somebody assumes it, or tries to, and whatever its sessions do. Of a call that was
  # refused CloudTrail keeps no parameters: the message names the role.
  break_glass_patterns = {
    for arn in slice(compact([local.break_glass_role_arn]), 0, var.access_roles_enabled ? 1 : 0) : "break-glass-use" => {
      description = "Somebody assumed the break-glass role, tried to, or acted in it."
      threshold   = 1
      pattern     = "{ ($.eventName = AssumeRole && $.requestParameters.roleArn = \"${arn}\") || ($.eventName = AssumeRole && $.errorMessage = \"*${arn}*\") || ($.userIdentity.sessionContext.sessionIssuer.arn = \"${arn}\") }"
    }
  }
}

# --- The verifier tries what must be refused -------------------------------------------------------------------------

resource "aws_iam_policy" "verifier_access" {
  count = var.access_roles_enabled ? 1 : 0

  name        = "policy-verifier-access-${var.environment}"
  description = "See who in the account may do what"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # It knows no resource: AWS accepts it for "*" only.
        Sid      = "ReadAccountAccess"
        Effect   = "Allow"
        Action   = "iam:GetAccountAuthorizationDetails"
        Resource = "*"
      },
      {
        Sid      = "SimulateAccessRoles"
        Effect   = "Allow"
        Action   = "iam:SimulatePrincipalPolicy"
        Resource = [for arn in local.log_reader_arns : arn if arn != local.break_glass_role_arn || local.own_break_glass_role]
      },
    ]
  })

  tags = { Name = "policy-verifier-access-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_access" {
  count = length(aws_iam_policy.verifier_access)

  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_access[0].arn
}

resource "aws_iam_policy" "verifier_probe_investigation_role" {
  count = local.investigation_probed ? 1 : 0

  name        = "policy-verifier-probe-investigation-role-${var.environment}"
  description = "Assume the investigation role, to try what it must be refused"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AssumeInvestigationRole"
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = local.investigation_role_arn
    }]
  })

  tags = { Name = "policy-verifier-probe-investigation-role-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_probe_investigation_role" {
  count = length(aws_iam_policy.verifier_probe_investigation_role)

  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_probe_investigation_role[0].arn
}
