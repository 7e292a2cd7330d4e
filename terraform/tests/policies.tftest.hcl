mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "global_services"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "replication"
  source = "./tests/mocks"
}

variables {
  function_package = "tests/empty.zip"
}

run "the_key_admits_each_service_for_its_one_purpose" {
  assert {
    condition = sort([for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Sid]) == sort([
      "AccountAdministersKey", "CloudTrailEncryptsLogFiles", "CloudTrailDescribesKey", "CloudTrailUsesBucketKey",
      "CloudWatchLogsEncryptsLogGroups", "CloudWatchAlarmsPublishAlerts", "CloudTrailPublishesDeliveries",
    ])
    error_message = "The key policy must hold these statements and no other."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement :
      statement.Principal != "*" && try(statement.Principal.AWS != "*", true) && (
        statement.Sid == "AccountAdministersKey" || try(length(statement.Condition) > 0, false)
      )
    ])
    error_message = "No key statement may have the principal *, and every service's must have a condition."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement if statement.Sid == "CloudTrailEncryptsLogFiles"
      ]) == {
      Sid       = "CloudTrailEncryptsLogFiles"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "kms:GenerateDataKey*"
      Resource  = "*"
      Condition = {
        StringEquals = { "aws:SourceArn" = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev" }
        StringLike   = { "kms:EncryptionContext:aws:cloudtrail:arn" = "arn:aws:cloudtrail:*:123456789012:trail/cloudtrail-audit-dev" }
      }
    }
    error_message = "CloudTrail must be bound to its trail by source ARN and encryption context."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement if statement.Sid == "CloudWatchLogsEncryptsLogGroups"
      ]) == {
      Sid       = "CloudWatchLogsEncryptsLogGroups"
      Effect    = "Allow"
      Principal = { Service = "logs.ap-southeast-1.amazonaws.com" }
      Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
      Resource  = "*"
      Condition = {
        ArnLike = {
          "kms:EncryptionContext:aws:logs:arn" = [
            "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/cloudtrail/cloudtrail-audit-dev",
            "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/lambda/lambda-compliance-checker-dev",
          ]
        }
      }
    }
    error_message = "CloudWatch Logs must be the region's own principal, bound to the two log groups without :*."
  }

  assert {
    condition     = aws_kms_key.logs.enable_key_rotation && aws_kms_key.logs.deletion_window_in_days == 7
    error_message = "The key must rotate, and wait 7 days before it is deleted."
  }
}

run "the_bucket_policy_admits_the_trail_alone" {
  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : {
        principal = statement.Principal
        action    = statement.Action
        resource  = statement.Resource
        condition = statement.Condition
      } if statement.Effect == "Allow"
      ] == [
      {
        principal = { Service = "cloudtrail.amazonaws.com" }
        action    = "s3:GetBucketAcl"
        resource  = "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012"
        condition = { StringEquals = { "aws:SourceArn" = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev" } }
      },
      {
        principal = { Service = "cloudtrail.amazonaws.com" }
        action    = "s3:PutObject"
        resource  = "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012/AWSLogs/123456789012/*"
        condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"
            "s3:x-amz-acl"  = "bucket-owner-full-control"
          }
        }
      },
    ]
    error_message = "Only CloudTrail, for this trail, may read the ACL and write below AWSLogs/<account>/."
  }
}

run "the_bucket_policy_denies_what_it_must_and_no_more" {
  assert {
    condition = one([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement if statement.Sid == "DenyInsecureTransport"
      ]) == {
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012", "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
    error_message = "Requests without TLS must be denied for the bucket and all objects."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement.Condition if statement.Sid == "DenyWrongEncryptionAlgorithm"
      ]) == {
      Null            = { "s3:x-amz-server-side-encryption" = "false" }
      StringNotEquals = { "s3:x-amz-server-side-encryption" = ["aws:kms", "AES256"] }
    }
    error_message = "Only a stated algorithm other than aws:kms and AES256 may be denied: digest files may be AES256."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement.Condition if statement.Sid == "DenyWrongEncryptionKey"
      ]) == {
      Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
      StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "arn:aws:kms:ap-southeast-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
    }
    error_message = "Only a stated key other than the trail's may be denied."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement :
      !can(statement.Condition.ArnNotLike) && (statement.Sid == "DenyWritesByPeople") == can(statement.Condition)
      if contains(["DenyWritesByPeople", "DenyDeletion", "DenyTampering"], statement.Sid)
      ]) && length([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement
      if contains(["DenyWritesByPeople", "DenyDeletion", "DenyTampering"], statement.Sid)
    ]) == 3
    error_message = "Writing, deletion and tampering must be denied to everyone, but for a break-glass role that is named."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement.Condition if statement.Sid == "DenyWritesByPeople"
    ]).Bool == { "aws:PrincipalIsAWSService" = "false" }
    error_message = "CloudTrail writes as a service and must not be denied."
  }

  assert {
    condition = length(setintersection(
      flatten([for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement.Action if statement.Effect == "Deny" && statement.Sid != "DenyInsecureTransport"]),
      ["s3:*", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:GetObject"],
    )) == 0
    error_message = "Denying s3:PutBucketPolicy or s3:DeleteBucketPolicy would lock the deployer out and break terraform destroy."
  }
}

run "the_break_glass_role_can_be_named" {
  variables {
    break_glass_role_arn = "arn:aws:iam::123456789012:role/security/break-glass"
  }

  assert {
    condition = toset([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement.Condition.ArnNotLike["aws:PrincipalArn"]
      if can(statement.Condition.ArnNotLike)
      ]) == toset(["arn:aws:iam::123456789012:role/security/break-glass"]) && length([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement if can(statement.Condition.ArnNotLike)
    ]) == 3
    error_message = "The named role must be the one that each of the three denials excepts."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.verifier_services.policy).Statement : statement.Resource if statement.Sid == "ReadBreakGlassRole"
    ] == [["arn:aws:iam::123456789012:role/break-glass", "arn:aws:iam::123456789012:role/*/break-glass"]]
    error_message = "The verifier must be able to read whichever role bears the name."
  }
}

run "the_log_bucket_is_closed_and_encrypted" {
  assert {
    condition = (
      aws_s3_bucket_public_access_block.logs.block_public_acls && aws_s3_bucket_public_access_block.logs.block_public_policy &&
      aws_s3_bucket_public_access_block.logs.ignore_public_acls && aws_s3_bucket_public_access_block.logs.restrict_public_buckets
    )
    error_message = "All four public-access blocks must be on."
  }

  assert {
    condition     = aws_s3_bucket_versioning.logs.versioning_configuration[0].status == "Enabled" && aws_s3_bucket_ownership_controls.logs.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Versioning must be on and ACLs off."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.logs.rule :
      rule.bucket_key_enabled && alltrue([
        for default in rule.apply_server_side_encryption_by_default :
        default.sse_algorithm == "aws:kms" && default.kms_master_key_id == aws_kms_key.logs.arn
      ])
    ])
    error_message = "The bucket must encrypt with the key by its ARN, with a bucket key."
  }

  assert {
    condition     = aws_s3_bucket.logs.force_destroy && aws_s3_bucket.logs.bucket == "s3-cloudtrail-logs-dev-123456789012"
    error_message = "The dev bucket must be removable, and have the agreed name."
  }
}

run "the_topics_admit_their_publishers_alone" {
  assert {
    condition = {
      for statement in jsondecode(aws_sns_topic_policy.alerts[0].policy).Statement :
      statement.Principal.Service => try(statement.Condition, null) if statement.Effect == "Allow"
      } == {
      "cloudwatch.amazonaws.com" = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:*" }
      }
    }
    error_message = "Alarms of this account may publish, and no other service: EventBridge's target is the function."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_sns_topic_policy.delivery.policy).Statement :
      statement.Principal.Service => statement.Condition if statement.Effect == "Allow"
      } == {
      "cloudtrail.amazonaws.com" = { StringEquals = { "aws:SourceArn" = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev" } }
    }
    error_message = "Only this trail may publish deliveries."
  }

  assert {
    condition     = aws_sns_topic.alerts[0].kms_master_key_id == aws_kms_key.logs.arn && aws_sns_topic.delivery.kms_master_key_id == aws_kms_key.logs.arn && aws_sqs_queue.dead_letter.kms_master_key_id == aws_kms_key.logs.arn
    error_message = "Topics and the dead-letter queue must be encrypted with the key: an alarm cannot use SNS's own."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.delivery.policy).Statement :
      [statement.Principal, statement.Action, statement.Condition] if statement.Effect == "Allow"
      ] == [[
        { Service = "sns.amazonaws.com" }, "sqs:SendMessage",
        { ArnEquals = { "aws:SourceArn" = "arn:aws:sns:ap-southeast-1:123456789012:sns-trail-delivery-dev" } },
    ]]
    error_message = "Only the delivery topic may send to the delivery queue."
  }
}

run "an_existing_topic_is_used_as_it_is" {
  variables {
    existing_alert_topic_arn     = "arn:aws:sns:ap-southeast-1:123456789012:security"
    existing_alert_topic_key_arn = "arn:aws:kms:ap-southeast-1:210987654321:key/99999999-2222-3333-4444-555555555555"
  }

  assert {
    condition     = length(aws_sns_topic.alerts) == 0 && length(aws_sns_topic_policy.alerts) == 0
    error_message = "No alert topic may be created, nor the existing one's policy be replaced."
  }

  assert {
    condition     = output.alert_topic_arn == "arn:aws:sns:ap-southeast-1:123456789012:security" && output.alert_topic_name == "security"
    error_message = "The outputs must name the existing topic."
  }

  assert {
    condition     = aws_lambda_function.compliance_checker.environment[0].variables.ALERT_TOPIC_ARN == "arn:aws:sns:ap-southeast-1:123456789012:security"
    error_message = "The function must publish to the existing topic."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : [statement.Resource, statement.Condition]
      if contains(flatten([statement.Resource]), "arn:aws:kms:ap-southeast-1:210987654321:key/99999999-2222-3333-4444-555555555555")
      ] == [[
        ["arn:aws:kms:ap-southeast-1:210987654321:key/99999999-2222-3333-4444-555555555555"],
        { StringEquals = { "kms:ViaService" = ["sns.ap-southeast-1.amazonaws.com"] } },
    ]]
    error_message = "The function may use the existing topic's key through SNS, and through nothing else."
  }
}

run "roles_are_least_privileged" {
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_policy.trail_logs, aws_iam_policy.function, aws_iam_policy.verifier_state, aws_iam_policy.verifier_services, aws_iam_policy.verifier_detection, aws_iam_policy.verifier_live_fire] : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in flatten([statement.Action]) : action == "kms:GenerateDataKey*" || !strcontains(action, "*")
        ]
      ]
    ]))
    error_message = "No action may hold a wildcard, but for kms:GenerateDataKey*, which SNS and SQS ask for."
  }

  assert {
    condition = toset(flatten([
      for policy in [aws_iam_policy.trail_logs, aws_iam_policy.function, aws_iam_policy.verifier_state, aws_iam_policy.verifier_services, aws_iam_policy.verifier_live_fire] : [
        for statement in jsondecode(policy.policy).Statement : statement.Sid if contains(flatten([statement.Resource]), "*")
      ]
    ])) == toset(["ReadSecurityGroupRules", "ReadAccount", "ReadAccountWide", "ReadAccountPoliciesOfLogGroups", "FindQueues"])
    error_message = "Only actions that know no resource, or that AWS asks for on all, may have the resource *."
  }

  assert {
    condition = jsondecode(aws_iam_policy.trail_logs.policy).Statement == [{
      Sid      = "WriteTrailLogStreams"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/cloudtrail/cloudtrail-audit-dev:log-stream:123456789012_CloudTrail_ap-southeast-1*"
    }]
    error_message = "CloudTrail's role may write to its own log streams and do nothing else."
  }

  assert {
    condition     = jsondecode(aws_iam_role.trail_logs.assume_role_policy).Statement == [{ Sid = "CloudTrailAssumesRole", Effect = "Allow", Principal = { Service = "cloudtrail.amazonaws.com" }, Action = "sts:AssumeRole" }]
    error_message = "CloudTrail supports no condition in this role's trust."
  }

  assert {
    condition     = !contains(flatten([for statement in jsondecode(aws_iam_policy.function.policy).Statement : statement.Action]), "logs:CreateLogGroup")
    error_message = "The function must not bring its log group back after a destroy."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : [
        for action in flatten([statement.Action]) :
        can(regex(":(Get|Describe|List(AttachedGroup|Group)Policies$|CreateLogStream|PutLogEvents|Publish|SendMessage|UpdateItem$|GenerateDataKey\\*|Decrypt$)", action))
      ]
    ]))
    error_message = "The function reads, logs and sends, and keeps its ledger; it changes nothing else unless asked to."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : [statement.Resource, try(statement.Condition, null)]
      if contains(["KeepAlertLedger", "EncryptRecords", "EncryptAlerts"], statement.Sid)
      ] == [
      [["arn:aws:dynamodb:ap-southeast-1:123456789012:table/dynamodb-alert-ledger-dev"], null],
      [[aws_kms_key.logs.arn], { StringEquals = { "kms:ViaService" = [
        "dynamodb.ap-southeast-1.amazonaws.com", "lambda.ap-southeast-1.amazonaws.com", "sqs.ap-southeast-1.amazonaws.com",
      ] } }],
      [[aws_kms_key.logs.arn], { StringEquals = { "kms:ViaService" = ["sns.ap-southeast-1.amazonaws.com"] } }],
    ]
    error_message = "The function writes to its ledger alone, and uses the key through the services that keep what it writes."
  }

  assert {
    condition = jsondecode(aws_iam_role.event_forwarding.assume_role_policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      # Their names are held in event_path_and_ledger.tftest.hcl.
      ArnLike = { "aws:SourceArn" = [
        for rule in aws_cloudwatch_event_rule.forwarded : "arn:aws:events:us-east-1:123456789012:rule/${rule.name}"
      ] }
    }
    error_message = "Only the deployment's own rules may forward events by the role."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : [statement.Action, statement.Resource]
      if anytrue([for action in flatten([statement.Action]) : startswith(action, "iam:")])
      ] == [
      [["iam:GetPolicy", "iam:GetPolicyVersion"], ["arn:aws:iam::123456789012:policy/*"]],
      [["iam:GetGroupPolicy", "iam:ListAttachedGroupPolicies", "iam:ListGroupPolicies"], ["arn:aws:iam::123456789012:group/*"]],
    ]
    error_message = "Of IAM the function reads what policies and groups of its own account grant, and nothing else."
  }

  assert {
    condition     = aws_iam_role.function.permissions_boundary == null && aws_iam_role.trail_logs.permissions_boundary == null && aws_iam_role.verifier.permissions_boundary == null
    error_message = "No boundary may be set unless asked for."
  }
}

run "the_verifier_only_reads_but_for_live_fire" {
  assert {
    condition = alltrue(flatten([
      for statement in concat(jsondecode(aws_iam_policy.verifier_state.policy).Statement, jsondecode(aws_iam_policy.verifier_services.policy).Statement) : [
        for action in flatten([statement.Action]) : can(regex("^([a-z0-9]+:(Get|List|Describe|Lookup|Filter)|(kms:Decrypt|iam:GenerateCredentialReport|logs:TestMetricFilter)$)", action))
      ]
    ]))
    error_message = "The policies for reading may only read."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.verifier_state.policy).Statement :
      statement.Sid => [statement.Action, statement.Resource, try(statement.Condition, null)]
      if contains(["ReadLogFiles", "DecryptLogFiles"], statement.Sid)
      } == {
      ReadLogFiles    = [["s3:GetObject", "s3:GetObjectVersion"], "${aws_s3_bucket.logs.arn}/AWSLogs/123456789012/*", null]
      DecryptLogFiles = ["kms:Decrypt", aws_kms_key.logs.arn, { StringEquals = { "kms:ViaService" = "s3.ap-southeast-1.amazonaws.com" } }]
    }
    error_message = "The verifier reads this account's log files and digests, and decrypts nothing else."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.verifier_live_fire.policy).Statement : statement.Sid => try(statement.Condition, null)
      if contains(["CreateTaggedSecurityGroup", "TagSecurityGroupOnCreation", "UseOwnSecurityGroup"], statement.Sid)
      } == {
      CreateTaggedSecurityGroup  = { StringEquals = { "aws:RequestTag/trailwarden:purpose" = "live-fire" } }
      TagSecurityGroupOnCreation = { StringEquals = { "ec2:CreateAction" = "CreateSecurityGroup" } }
      UseOwnSecurityGroup        = { StringEquals = { "aws:ResourceTag/trailwarden:purpose" = "live-fire" } }
    }
    error_message = "Live fire may touch no security group but its own."
  }

  assert {
    condition     = jsondecode(aws_iam_role.verifier.assume_role_policy).Statement[0].Principal == { AWS = ["arn:aws:iam::123456789012:root"] }
    error_message = "By default the account itself decides who verifies."
  }

  # AWS counts the characters of a managed policy without white space.
  assert {
    condition = alltrue([
      for policy in [aws_iam_policy.verifier_state, aws_iam_policy.verifier_services, aws_iam_policy.verifier_live_fire] : length(replace(policy.policy, "/\\s/", "")) <= 6144
    ])
    error_message = "A managed policy holds at most 6144 characters."
  }
}

run "verifiers_and_boundary_can_be_named" {
  variables {
    verifier_principals      = ["arn:aws:iam::123456789012:role/ci", "arn:aws:iam::123456789012:role/auditor"]
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }

  assert {
    condition     = jsondecode(aws_iam_role.verifier.assume_role_policy).Statement[0].Principal == { AWS = ["arn:aws:iam::123456789012:role/auditor", "arn:aws:iam::123456789012:role/ci"] }
    error_message = "Exactly the named principals may verify."
  }

  assert {
    condition     = toset([aws_iam_role.function.permissions_boundary, aws_iam_role.trail_logs.permissions_boundary, aws_iam_role.verifier.permissions_boundary]) == toset(["arn:aws:iam::123456789012:policy/boundary"])
    error_message = "The boundary must bound every role."
  }
}

run "pipelines_can_be_named_beside_the_principals" {
  variables {
    verifier_oidc_trusts = [
      {
        provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
        subjects     = ["repo:hospital/audit-trail:ref:refs/heads/main", "repo:hospital/audit-trail:environment:prod"]
      },
      {
        provider_arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.hospital.example"
        audience     = "https://gitlab.hospital.example"
        subjects     = ["project_path:hospital/it/audit-trail:ref_type:branch:*"]
      },
    ]
  }

  assert {
    condition = jsondecode(aws_iam_role.verifier.assume_role_policy).Statement == [
      {
        Sid       = "VerifiersAssumeRole"
        Effect    = "Allow"
        Principal = { AWS = ["arn:aws:iam::123456789012:root"] }
        Action    = "sts:AssumeRole"
      },
      {
        Sid       = "PipelinesAssumeRole0"
        Effect    = "Allow"
        Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
          StringLike   = { "token.actions.githubusercontent.com:sub" = ["repo:hospital/audit-trail:environment:prod", "repo:hospital/audit-trail:ref:refs/heads/main"] }
        }
      },
      {
        Sid       = "PipelinesAssumeRole1"
        Effect    = "Allow"
        Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/gitlab.hospital.example" }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = { "gitlab.hospital.example:aud" = "https://gitlab.hospital.example" }
          StringLike   = { "gitlab.hospital.example:sub" = ["project_path:hospital/it/audit-trail:ref_type:branch:*"] }
        }
      },
    ]
    error_message = "Exactly the named pipelines may verify, by tokens of their provider for its audience."
  }
}

run "no_probe_on_request_is_permitted_by_default" {
  assert {
    condition     = length(aws_iam_policy.verifier_probes) == 0
    error_message = "What creates buckets or roles must be asked for."
  }
}

run "each_probe_is_permitted_by_itself" {
  variables {
    verifier_probes = ["network"]
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_policy.verifier_probes[0].policy).Statement : statement.Action
      ])) == toset([
      "ec2:CreateInternetGateway", "ec2:CreateNetworkAcl", "ec2:CreateNetworkAclEntry", "ec2:CreateRouteTable", "ec2:CreateTags",
      "ec2:DeleteInternetGateway", "ec2:DeleteNetworkAcl", "ec2:DeleteRouteTable", "ec2:ReplaceNetworkAclEntry",
    ])
    error_message = "A probe that was not asked for may nothing."
  }
}

run "the_scratch_resources_are_the_probes_own" {
  variables {
    verifier_probes = ["bucket", "key", "network", "role"]
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.verifier_probes[0].policy).Statement : statement.Sid => statement.Condition.StringEquals
      if length(setintersection(flatten([statement.Action]), ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy"])) > 0
      } == {
      UseScratchRole   = { "iam:PermissionsBoundary" = "arn:aws:iam::aws:policy/AWSDenyAll" }
      AlterScratchRole = { "iam:PermissionsBoundary" = "arn:aws:iam::aws:policy/AWSDenyAll" }
    }
    error_message = "Whoever may give roles without a boundary policies may do everything."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.verifier_probes[0].policy).Statement :
      statement.Resource == "arn:aws:s3:::trailwarden-live-fire-*" || statement.Action == "s3:ListAllMyBuckets"
      if anytrue([for action in flatten([statement.Action]) : startswith(action, "s3:")])
    ])
    error_message = "The probe may touch no bucket but its own."
  }

  assert {
    condition = toset([
      for statement in jsondecode(aws_iam_policy.verifier_probes[0].policy).Statement : jsonencode(statement.Action)
      if anytrue([for action in flatten([statement.Action]) : startswith(action, "kms:")])
    ]) == toset([jsonencode("kms:CreateKey"), jsonencode(["kms:CreateAlias", "kms:DeleteAlias"])])
    error_message = "The probe may do to no key what its own policy does not say."
  }
}

run "policies_are_those_of_china" {
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "cn-north-1", name = "cn-north-1" }
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Principal if statement.Sid == "CloudWatchLogsEncryptsLogGroups"
    ]) == { Service = "logs.cn-north-1.amazonaws.com.cn" }
    error_message = "CloudWatch Logs calls as the regional principal, which ends as the partition's names do."
  }

  assert {
    condition     = length(regexall("arn:aws:", aws_kms_key.logs.policy)) == 0
    error_message = "No ARN may be one of the partition aws."
  }
}

run "policies_are_those_of_govcloud" {
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov", dns_suffix = "amazonaws.com" }
  }

  override_data {
    target = data.aws_region.current
    values = { id = "us-gov-west-1", name = "us-gov-west-1" }
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement.Principal if statement.Sid == "CloudWatchLogsEncryptsLogGroups"
    ]) == { Service = "logs.us-gov-west-1.amazonaws.com" }
    error_message = "CloudWatch Logs calls as the regional principal, which ends as the partition's names do."
  }

  assert {
    condition     = length(regexall("arn:aws:", aws_kms_key.logs.policy)) == 0
    error_message = "No ARN may be one of the partition aws."
  }
}
