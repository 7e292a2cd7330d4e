# The role with which `make verify` looks at the deployment. Reading and acting are two policies, so that an organization
# that wants no live fire can detach the second.

resource "aws_iam_role" "verifier" {
  name                 = "role-verifier-${var.environment}"
  description          = "Verifies the audit trail: reads its state, and acts on what live fire itself creates"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "VerifiersAssumeRole"
        Effect    = "Allow"
        Principal = { AWS = length(var.verifier_principals) == 0 ? [local.root_arn] : sort(var.verifier_principals) }
        Action    = "sts:AssumeRole"
      }],
      # A pipeline has no key to lose: its token says which repository and branch it runs for.
      [for number, trust in var.verifier_oidc_trusts : {
        Sid       = "PipelinesAssumeRole${number}"
        Effect    = "Allow"
        Principal = { Federated = trust.provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = { "${split("oidc-provider/", trust.provider_arn)[1]}:aud" = trust.audience }
          StringLike   = { "${split("oidc-provider/", trust.provider_arn)[1]}:sub" = sort(trust.subjects) }
        }
      }],
    )
  })

  tags = { Name = "role-verifier-${var.environment}" }
}

locals {
  ec2_arn_prefix = "arn:${local.partition}:ec2:${local.region}:${local.account_id}"
  iam_arn_prefix = "arn:${local.partition}:iam::${local.account_id}"

  live_fire_queue_arn = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:trailwarden-live-fire-*"
  scratch_role_arn    = "${local.iam_arn_prefix}:role/trailwarden-live-fire/*"

  # By its tag: what is created with it, and what bears it.
  live_fire_asked_for = { StringEquals = { "aws:RequestTag/trailwarden:purpose" = "live-fire" } }
  live_fire_own       = { StringEquals = { "aws:ResourceTag/trailwarden:purpose" = "live-fire" } }

  scratch_role_boundary_arn = "arn:${local.partition}:iam::aws:policy/AWSDenyAll"
}

resource "aws_iam_policy" "verifier_state" {
  name        = "policy-verifier-state-${var.environment}"
  description = "Read the state of the audit trail and of everything around it"

  # What the verification suite calls and no more: an action that it gains must be added here.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # These actions know no resource: AWS accepts them for "*" only.
        Sid    = "ReadAccountWide"
        Effect = "Allow"
        Action = [
          "cloudtrail:DescribeTrails",
          "cloudtrail:ListPublicKeys",
          "cloudtrail:LookupEvents",
          "cloudwatch:ListAlarmMuteRules",
          "ec2:DescribeAddresses",
          "ec2:DescribeCarrierGateways",
          "ec2:DescribeDhcpOptions",
          "ec2:DescribeEgressOnlyInternetGateways",
          "ec2:DescribeFlowLogs",
          "ec2:DescribeInternetGateways",
          "ec2:DescribeLocalGatewayRouteTableVpcAssociations",
          "ec2:DescribeManagedPrefixLists",
          "ec2:DescribeNatGateways",
          "ec2:DescribeNetworkAcls",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeRegions",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroupVpcAssociations",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeTransitGatewayVpcAttachments",
          "ec2:DescribeVpcBlockPublicAccessExclusions",
          "ec2:DescribeVpcEndpoints",
          "ec2:DescribeVpcPeeringConnections",
          "ec2:DescribeVpcs",
          "ec2:DescribeVpnGateways",
          "events:ListRuleNamesByTarget",
          "kms:ListAliases",
          "lambda:ListEventSourceMappings",
          "logs:DescribeAccountPolicies",
          "logs:DescribeDeliveryDestinations",
          "logs:DescribeLogGroups",
          "logs:DescribeResourcePolicies",
          "logs:ListScheduledQueries",
          "logs:ListSyslogConfigurations",
          "logs:TestMetricFilter",
          "s3:GetAccountPublicAccessBlock",
          "s3:ListAccessPoints",
          "sns:GetSubscriptionAttributes",
          "tag:GetResources",
        ]
        Resource = "*"
      },
      {
        # To see the account's policies of a kind takes, for all log groups, what it takes to see that of one.
        Sid      = "ReadAccountPoliciesOfLogGroups"
        Effect   = "Allow"
        Action   = ["logs:DescribeSubscriptionFilters", "logs:GetDataProtectionPolicy", "logs:GetTransformer"]
        Resource = "*"
      },
      {
        # What the account's scheduled queries look at, the trail's log group among it, is known from each of them alone.
        Sid      = "ReadScheduledQueries"
        Effect   = "Allow"
        Action   = "logs:GetScheduledQuery"
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account_id}:scheduled-query:*"
      },
      {
        Sid      = "ReadNetwork"
        Effect   = "Allow"
        Action   = ["ec2:DescribeVpcAttribute", "ec2:GetManagedPrefixListEntries"]
        Resource = [local.vpc_arn, "arn:${local.partition}:ec2:${local.region}:*:prefix-list/*"]
      },
      {
        Sid    = "ReadTrail"
        Effect = "Allow"
        Action = [
          "cloudtrail:GetEventSelectors",
          "cloudtrail:GetTrailStatus",
          "cloudtrail:ListTags",
        ]
        Resource = local.trail_arn
      },
      {
        Sid    = "ReadLogBucket"
        Effect = "Allow"
        Action = [
          "s3:GetAccelerateConfiguration",
          "s3:GetAnalyticsConfiguration",
          "s3:GetBucketAbac",
          "s3:GetBucketAcl",
          "s3:GetBucketCORS",
          "s3:GetBucketLogging",
          "s3:GetBucketMetadataTableConfiguration",
          "s3:GetBucketNotification",
          "s3:GetBucketObjectLockConfiguration",
          "s3:GetBucketOwnershipControls",
          "s3:GetBucketPolicy",
          "s3:GetBucketPolicyStatus",
          "s3:GetBucketPublicAccessBlock",
          "s3:GetBucketRequestPayment",
          "s3:GetBucketTagging",
          "s3:GetBucketVersioning",
          "s3:GetBucketWebsite",
          "s3:GetEncryptionConfiguration",
          "s3:GetIntelligentTieringConfiguration",
          "s3:GetInventoryConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetMetricsConfiguration",
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
          "s3:ListBucketVersions",
        ]
        # Its access logs and its copies too, where there are any.
        Resource = concat([local.log_bucket_arn], aws_s3_bucket.access_logs[*].arn, aws_s3_bucket.replica[*].arn, local.investigation_results_bucket_arns, local.config_history_bucket_arns, local.session_log_bucket_arns, local.reports_bucket_arns)
      },
      {
        # Those to the log bucket are found by ListAccessPoints; whatever their names, none may open it wider.
        Sid      = "ReadAccessPoints"
        Effect   = "Allow"
        Action   = ["s3:GetAccessPoint", "s3:GetAccessPointPolicy", "s3:GetAccessPointPolicyStatus"]
        Resource = "arn:${local.partition}:s3:${local.region}:${local.account_id}:accesspoint/*"
      },
      {
        # Log and digest files of this account's trail, earlier versions included: they are held against their signatures.
        Sid      = "ReadLogFiles"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = "${local.log_bucket_arn}/AWSLogs/${local.account_id}/*"
      },
      {
        # Through S3 alone, and not what else the key protects: log groups, topics, the queue.
        Sid       = "DecryptLogFiles"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = aws_kms_key.logs.arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.dns_suffix}" } }
      },
      {
        Sid    = "ReadKey"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListGrants",
          "kms:ListResourceTags",
        ]
        Resource = concat([aws_kms_key.logs.arn], aws_kms_key.replica[*].arn, aws_kms_key.reports[*].arn)
      },
    ]
  })

  tags = { Name = "policy-verifier-state-${var.environment}" }
}

# The rest of what is read: a managed policy holds 6144 characters.
resource "aws_iam_policy" "verifier_services" {
  name        = "policy-verifier-services-${var.environment}"
  description = "Read the state of what acts upon the audit trail: log groups, function, topics, alarms, roles"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid    = "ReadLogGroups"
        Effect = "Allow"
        Action = [
          "logs:DescribeMetricFilters",
          "logs:ListTagsForResource",
        ]
        Resource = flatten([
          for arn in concat([local.trail_log_group_arn, local.function_log_group_arn], local.flow_log_group_arns, local.application_log_group_arns) :
          [arn, "${arn}:*"]
        ])
      },
      {
        Sid    = "ReadFunction"
        Effect = "Allow"
        Action = [
          "lambda:GetFunctionCodeSigningConfig",
          "lambda:GetFunctionConcurrency",
          "lambda:GetFunctionConfiguration",
          "lambda:GetPolicy",
          "lambda:GetRuntimeManagementConfig",
          "lambda:ListAliases",
          "lambda:ListFunctionEventInvokeConfigs",
          "lambda:ListFunctionUrlConfigs",
          "lambda:ListTags",
          "lambda:ListVersionsByFunction",
        ]
        # With its aliases and versions: each may have a policy.
        Resource = [local.function_arn, "${local.function_arn}:*"]
      },
      {
        # Lambda decrypts the function's variables in the name of whoever asks for them.
        Sid      = "DecryptFunctionVariables"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.logs.arn
        Condition = {
          StringEquals = {
            "kms:ViaService"                               = "lambda.${local.region}.${local.dns_suffix}"
            "kms:EncryptionContext:aws:lambda:FunctionArn" = local.function_arn
          }
        }
      },
      {
        Sid    = "ReadTopics"
        Effect = "Allow"
        Action = [
          "sns:GetDataProtectionPolicy",
          "sns:GetTopicAttributes",
          "sns:ListSubscriptionsByTopic",
          "sns:ListTagsForResource",
        ]
        Resource = [local.alert_topic_arn, local.delivery_topic_arn]
      },
      {
        Sid      = "ReadQueues"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes", "sqs:ListQueueTags"]
        Resource = [local.delivery_queue_arn, local.dead_letter_queue_arn]
      },
      {
        Sid      = "ReadAlarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms", "cloudwatch:GetAlarmMuteRule", "cloudwatch:ListTagsForResource"]
        Resource = [local.alarm_arn_pattern, local.mute_rule_arn_pattern]
      },
      {
        Sid      = "ReadRules"
        Effect   = "Allow"
        Action   = ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
        Resource = [for region in distinct(concat([local.region, local.global_region], sort(local.further_event_regions))) : "arn:${local.partition}:events:${region}:${local.account_id}:rule/*-${var.environment}"]
      },
      {
        Sid    = "ReadLedger"
        Effect = "Allow"
        Action = [
          "dynamodb:DescribeContinuousBackups",
          "dynamodb:DescribeTable",
          "dynamodb:DescribeTimeToLive",
          "dynamodb:GetResourcePolicy",
          "dynamodb:ListTagsOfResource",
        ]
        Resource = local.ledger_table_arn
      },
      {
        Sid    = "ReadRoles"
        Effect = "Allow"
        Action = [
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies",
          "iam:ListInstanceProfilesForRole",
          "iam:ListRolePolicies",
          "iam:ListRoleTags",
        ]
        Resource = concat(
          [aws_iam_role.trail_logs.arn, aws_iam_role.function.arn, aws_iam_role.event_forwarding.arn, "${local.iam_arn_prefix}:role/role-verifier-${var.environment}"],
          aws_iam_role.event_administration[*].arn,
          aws_iam_role.event_execution[*].arn,
          aws_iam_role.break_glass[*].arn,
          aws_iam_role.investigation[*].arn,
          aws_iam_role.compliance_tools[*].arn,
          compact(module.network[*].flow_log_role_arn),
          aws_iam_role.replication[*].arn,
          module.detection.config_role_arns,
        )
      },
      {
        # The account as a whole: these know no resource. To have the credential report made is no more than to read it.
        Sid    = "ReadAccount"
        Effect = "Allow"
        Action = [
          "ec2:GetEbsEncryptionByDefault",
          "iam:GenerateCredentialReport",
          "iam:GetAccountPasswordPolicy",
          "iam:GetAccountSummary",
          "iam:GetCredentialReport",
        ]
        Resource = "*"
      },
      {
        # Whichever policy somebody attaches to a role, or bounds it by: AWS's own as well, which belong to no account.
        Sid      = "ReadPolicies"
        Effect   = "Allow"
        Action   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
        Resource = ["${local.iam_arn_prefix}:policy/*", "arn:${local.partition}:iam::aws:policy/*"]
      },
      ], [
      # Whom the log bucket's policy exempts must be there, and be open to nobody but its people. It is asked for by its name, which
      # another path may have taken; of a name that is nobody's, IAM knows no path.
      for arn in compact([local.break_glass_role_arn]) : {
        Sid      = "ReadBreakGlassRole"
        Effect   = "Allow"
        Action   = ["iam:GetRole"]
        Resource = [for path in ["", "*/"] : "${split("/", arn)[0]}/${path}${basename(arn)}"]
      }
      ], [
      for arn in aws_cloudformation_stack_set.forwarded[*].arn : {
        Sid      = "ReadStackSet"
        Effect   = "Allow"
        Action   = ["cloudformation:DescribeStackSet"]
        Resource = [arn]
      }
      ], [
      for arn in aws_cloudwatch_dashboard.audit[*].dashboard_arn : {
        Sid      = "ReadDashboard"
        Effect   = "Allow"
        Action   = ["cloudwatch:GetDashboard"]
        Resource = [arn]
      }
    ])
  })

  tags = { Name = "policy-verifier-services-${var.environment}" }
}

# Live fire opens a rule on a security group that it creates and that nothing is attached to, waits for the alert on a queue
# of its own, and removes both. It may touch nothing that does not bear its tag or its name.
resource "aws_iam_policy" "verifier_live_fire" {
  name        = "policy-verifier-live-fire-${var.environment}"
  description = "Create, use and remove what live fire needs, and nothing else"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "CreateTaggedSecurityGroup"
        Effect    = "Allow"
        Action    = "ec2:CreateSecurityGroup"
        Resource  = "${local.ec2_arn_prefix}:security-group/*"
        Condition = local.live_fire_asked_for
      },
      {
        # CreateSecurityGroup is authorized for the VPC as well, which takes no request tag.
        Sid      = "CreateSecurityGroupInVpc"
        Effect   = "Allow"
        Action   = "ec2:CreateSecurityGroup"
        Resource = local.vpc_arn
      },
      {
        # While creating only: otherwise any group could be given the tag, and then be opened or deleted.
        Sid       = "TagSecurityGroupOnCreation"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = "${local.ec2_arn_prefix}:security-group/*"
        Condition = { StringEquals = { "ec2:CreateAction" = "CreateSecurityGroup" } }
      },
      {
        Sid    = "UseOwnSecurityGroup"
        Effect = "Allow"
        Action = [
          "ec2:AuthorizeSecurityGroupIngress",
          "ec2:DeleteSecurityGroup",
        ]
        Resource  = "${local.ec2_arn_prefix}:security-group/*"
        Condition = local.live_fire_own
      },
      {
        Sid    = "UseOwnQueue"
        Effect = "Allow"
        Action = [
          "sqs:CreateQueue",
          "sqs:DeleteQueue",
          "sqs:GetQueueUrl",
          "sqs:ListQueueTags",
          "sqs:ReceiveMessage",
          "sqs:TagQueue",
        ]
        Resource = local.live_fire_queue_arn
      },
      {
        Sid      = "SubscribeOwnQueue"
        Effect   = "Allow"
        Action   = "sns:Subscribe"
        Resource = local.alert_topic_arn
        Condition = {
          StringEquals = { "sns:Protocol" = "sqs" }
          StringLike   = { "sns:Endpoint" = local.live_fire_queue_arn }
        }
      },
      {
        # The judgement of every rule is asked for directly, by the name under which the function does nothing else.
        Sid      = "AskFunction"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = local.rehearsal_arn
      },
      {
        # By which paths an act has come, the ledger tells.
        Sid      = "ReadLedgerItems"
        Effect   = "Allow"
        Action   = "dynamodb:GetItem"
        Resource = local.ledger_table_arn
      },
      {
        # DynamoDB decrypts the table's own key in the name of whoever reads it.
        Sid      = "DecryptLedger"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.logs.arn
        Condition = {
          StringEquals = {
            "kms:ViaService"                               = "dynamodb.${local.region}.${local.dns_suffix}"
            "kms:EncryptionContext:aws:dynamodb:tableName" = local.ledger_table_name
          }
        }
      },
      {
        # What the sweep needs to clean up.
        Sid      = "Unsubscribe"
        Effect   = "Allow"
        Action   = "sns:Unsubscribe"
        Resource = "arn:${local.partition}:sns:${local.region}:${local.account_id}:*"
      },
      {
        # It knows no resource type: AWS accepts it for "*" only.
        Sid      = "FindQueues"
        Effect   = "Allow"
        Action   = "sqs:ListQueues"
        Resource = "*"
      },
    ]
  })

  tags = { Name = "policy-verifier-live-fire-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_state" {
  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_state.arn
}

resource "aws_iam_role_policy_attachment" "verifier_services" {
  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_services.arn
}

resource "aws_iam_role_policy_attachment" "verifier_live_fire" {
  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_live_fire.arn
}

# The probes beside the opened security-group rule: what the organization asks for by variable. One policy holds what they
# take, for a role can have ten.
locals {
  probe_statements = {
    bucket = [
      {
        Sid    = "UseScratchBucket"
        Effect = "Allow"
        Action = [
          "s3:CreateBucket",
          "s3:DeleteBucket",
          "s3:DeleteBucketPolicy",
          "s3:GetBucketTagging",
          "s3:PutBucketLogging",
          "s3:PutBucketPolicy",
          "s3:PutBucketPublicAccessBlock",
          "s3:PutBucketTagging",
          "s3:PutBucketVersioning",
          "s3:PutEncryptionConfiguration",
        ]
        Resource = "arn:${local.partition}:s3:::trailwarden-live-fire-*"
      },
      {
        # Knows no resource type: AWS accepts it for "*" only.
        Sid      = "FindScratchBuckets"
        Effect   = "Allow"
        Action   = "s3:ListAllMyBuckets"
        Resource = "*"
      },
    ]
    key = [
      {
        # Knows no resource type. What may be done to the key then, and by whom, says the policy that the probe makes it with.
        Sid      = "MakeScratchKey"
        Effect   = "Allow"
        Action   = "kms:CreateKey"
        Resource = "*"
      },
      {
        # Of the two permissions that each takes, the other is for the key, by its policy.
        Sid      = "NameScratchKey"
        Effect   = "Allow"
        Action   = ["kms:CreateAlias", "kms:DeleteAlias"]
        Resource = "arn:${local.partition}:kms:${local.region}:${local.account_id}:alias/trailwarden-live-fire-*"
      },
    ]
    network = [
      {
        Sid       = "CreateTaggedNetworkAcl"
        Effect    = "Allow"
        Action    = "ec2:CreateNetworkAcl"
        Resource  = "${local.ec2_arn_prefix}:network-acl/*"
        Condition = local.live_fire_asked_for
      },
      {
        Sid       = "CreateTaggedRouteTable"
        Effect    = "Allow"
        Action    = "ec2:CreateRouteTable"
        Resource  = "${local.ec2_arn_prefix}:route-table/*"
        Condition = local.live_fire_asked_for
      },
      {
        Sid       = "CreateTaggedGateway"
        Effect    = "Allow"
        Action    = "ec2:CreateInternetGateway"
        Resource  = "${local.ec2_arn_prefix}:internet-gateway/*"
        Condition = local.live_fire_asked_for
      },
      {
        # What is made in a VPC is authorized for it as well, which takes no request tag.
        Sid      = "CreateInVpc"
        Effect   = "Allow"
        Action   = ["ec2:CreateNetworkAcl", "ec2:CreateRouteTable"]
        Resource = local.vpc_arn
      },
      {
        # While creating only: otherwise anybody's could be given the tag, and then be opened or deleted.
        Sid       = "TagOnCreation"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = [for kind in ["internet-gateway", "network-acl", "route-table"] : "${local.ec2_arn_prefix}:${kind}/*"]
        Condition = { StringEquals = { "ec2:CreateAction" = ["CreateInternetGateway", "CreateNetworkAcl", "CreateRouteTable"] } }
      },
      {
        Sid    = "UseOwnNetworkAcl"
        Effect = "Allow"
        Action = [
          "ec2:CreateNetworkAclEntry",
          "ec2:DeleteNetworkAcl",
          "ec2:ReplaceNetworkAclEntry",
        ]
        Resource  = "${local.ec2_arn_prefix}:network-acl/*"
        Condition = local.live_fire_own
      },
      {
        Sid       = "DeleteOwnRouteTable"
        Effect    = "Allow"
        Action    = "ec2:DeleteRouteTable"
        Resource  = "${local.ec2_arn_prefix}:route-table/*"
        Condition = local.live_fire_own
      },
      {
        Sid       = "DeleteOwnGateway"
        Effect    = "Allow"
        Action    = "ec2:DeleteInternetGateway"
        Resource  = "${local.ec2_arn_prefix}:internet-gateway/*"
        Condition = local.live_fire_own
      },
    ]
    role = [
      {
        # Whoever creates roles could give itself everything: so only roles that AWS's own policy bounds to nothing.
        Sid       = "UseScratchRole"
        Effect    = "Allow"
        Action    = ["iam:CreateRole", "iam:PutRolePolicy"]
        Resource  = local.scratch_role_arn
        Condition = { StringEquals = { "iam:PermissionsBoundary" = local.scratch_role_boundary_arn } }
      },
      {
        Sid      = "AlterScratchRole"
        Effect   = "Allow"
        Action   = ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
        Resource = local.scratch_role_arn
        Condition = {
          ArnEquals    = { "iam:PolicyARN" = "arn:${local.partition}:iam::aws:policy/AdministratorAccess" }
          StringEquals = { "iam:PermissionsBoundary" = local.scratch_role_boundary_arn }
        }
      },
      {
        Sid    = "TagAndRemoveScratchRole"
        Effect = "Allow"
        Action = [
          "iam:DeleteRole",
          "iam:DeleteRolePolicy",
          "iam:ListRoleTags",
          "iam:TagRole",
        ]
        Resource = local.scratch_role_arn
      },
      {
        # Knows no resource type: AWS accepts it for "*" only.
        Sid      = "FindScratchRoles"
        Effect   = "Allow"
        Action   = "iam:ListRoles"
        Resource = "*"
      },
    ]
  }
}

resource "aws_iam_policy" "verifier_probes" {
  count = length(var.verifier_probes) > 0 ? 1 : 0

  name        = "policy-verifier-probes-${var.environment}"
  description = "Create, use and remove the scratch resources of the probes that were asked for, which hold nothing and may do nothing"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = flatten([for probe in sort(var.verifier_probes) : local.probe_statements[probe]])
  })

  tags = { Name = "policy-verifier-probes-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_probes" {
  count = length(aws_iam_policy.verifier_probes)

  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_probes[0].arn
}

# What is published on request only. CloudWatch knows no resource type for it: the namespace says which metrics.
resource "aws_iam_policy" "verifier_metric" {
  count = var.verification_metric_enabled ? 1 : 0

  name        = "policy-verifier-metric-${var.environment}"
  description = "Publish when the last clean verification was"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PutVerificationMetric"
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = local.verification_metric_namespace } }
    }]
  })

  tags = { Name = "policy-verifier-metric-${var.environment}" }
}

resource "aws_iam_role_policy_attachment" "verifier_metric" {
  count = length(aws_iam_policy.verifier_metric)

  role       = aws_iam_role.verifier.name
  policy_arn = aws_iam_policy.verifier_metric[0].arn
}
