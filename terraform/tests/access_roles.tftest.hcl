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

run "by_default_there_are_no_access_roles" {
  assert {
    condition = (
      length(aws_iam_role.break_glass) == 0 && length(aws_iam_role.investigation) == 0 && length(aws_iam_role.compliance_tools) == 0 &&
      length(aws_iam_policy.trail_protection) == 0 && length(aws_iam_role_policy_attachment.access) == 0 && length(aws_iam_policy.verifier_access) == 0
    )
    error_message = "Without access roles, nothing may be there for them."
  }

  assert {
    condition     = length(output.access_role_arns) == 0 && length(output.trail_protection_policy_arns) == 0 && output.trail_protection_policy_document == ""
    error_message = "The outputs must say that there are none."
  }

  assert {
    condition = !anytrue([
      for statement in concat(jsondecode(aws_s3_bucket_policy.logs.policy).Statement, jsondecode(aws_kms_key.logs.policy).Statement) :
      contains(["DenyReadsByOthers", "DenyDecryptionByOthers"], statement.Sid)
    ]) && !contains(keys(aws_cloudwatch_metric_alarm.activity), "break-glass-use")
    error_message = "Without access roles, neither bucket nor key may refuse readers, and no alarm may watch a role."
  }
}

run "access_roles_alone_read_log_files" {
  variables {
    access_roles_enabled = true
  }

  assert {
    condition = one([for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement if statement.Sid == "DenyReadsByOthers"]) == {
      Sid       = "DenyReadsByOthers"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource  = "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012/*"
      Condition = {
        ArnNotLike = { "aws:PrincipalArn" = [
          "arn:aws:iam::123456789012:role/role-break-glass-dev",
          "arn:aws:iam::123456789012:role/role-compliance-tools-dev",
          "arn:aws:iam::123456789012:role/role-investigation-dev",
          "arn:aws:iam::123456789012:role/role-verifier-dev",
        ] }
        BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
      }
    }
    error_message = "The bucket must refuse log files to everyone but the three roles, the verifier and services."
  }

  assert {
    condition = one([for statement in jsondecode(aws_kms_key.logs.policy).Statement : statement if statement.Sid == "DenyDecryptionByOthers"]) == {
      Sid       = "DenyDecryptionByOthers"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "kms:Decrypt"
      Resource  = "*"
      Condition = {
        ArnNotLike = { "aws:PrincipalArn" = [
          "arn:aws:iam::123456789012:role/role-break-glass-dev",
          "arn:aws:iam::123456789012:role/role-compliance-tools-dev",
          "arn:aws:iam::123456789012:role/role-investigation-dev",
          "arn:aws:iam::123456789012:role/role-verifier-dev",
        ] }
        BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
        StringEquals = { "kms:ViaService" = "s3.ap-southeast-1.amazonaws.com" }
      }
    }
    error_message = "The key must refuse to decrypt through S3 for the same, and not what else it protects."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement :
      statement.Condition.ArnNotLike["aws:PrincipalArn"] == "arn:aws:iam::123456789012:role/role-break-glass-dev"
      if contains(["DenyWritesByPeople", "DenyDeletion", "DenyTampering"], statement.Sid)
    ])
    error_message = "The break-glass role alone must be spared by what protects the bucket."
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.break_glass[0], aws_iam_role.investigation[0], aws_iam_role.compliance_tools[0]] :
      jsondecode(role.assume_role_policy).Statement == [{ Sid = "NobodyAssumesRole", Effect = "Deny", Principal = "*", Action = "sts:AssumeRole" }]
    ])
    error_message = "Nobody may assume a role for which nobody is named."
  }

  assert {
    condition     = !anytrue([for policy in aws_iam_policy.verifier_probe_investigation_role : true])
    error_message = "The verifier may not assume the investigation role unless it is to try it."
  }
}

run "break_glass_takes_a_second_factor_and_ones_own_name" {
  variables {
    access_roles_enabled        = true
    break_glass_principals      = ["arn:aws:iam::123456789012:user/keeper-2", "arn:aws:iam::123456789012:user/keeper-1"]
    break_glass_mfa_age_seconds = 300
  }

  assert {
    condition = jsondecode(aws_iam_role.break_glass[0].assume_role_policy).Statement == [{
      Sid       = "NamedUsersAssumeRoleWithSecondFactor"
      Effect    = "Allow"
      Principal = { AWS = ["arn:aws:iam::123456789012:user/keeper-1", "arn:aws:iam::123456789012:user/keeper-2"] }
      Action    = "sts:AssumeRole"
      Condition = {
        Bool            = { "aws:MultiFactorAuthPresent" = "true" }
        NumericLessThan = { "aws:MultiFactorAuthAge" = "300" }
        StringEquals    = { "sts:RoleSessionName" = "$${aws:username}" }
      }
    }]
    error_message = "Only the named users may assume it, with a fresh second factor and a session of their own name."
  }

  assert {
    condition     = aws_iam_role.break_glass[0].max_session_duration == 3600
    error_message = "Its sessions must be short."
  }

  assert {
    condition = (
      aws_cloudwatch_log_metric_filter.activity["break-glass-use"].pattern ==
      "{ ($.eventName = AssumeRole && $.requestParameters.roleArn = \"arn:aws:iam::123456789012:role/role-break-glass-dev\") || ($.eventName = AssumeRole && $.errorMessage = \"*arn:aws:iam::123456789012:role/role-break-glass-dev*\") || ($.userIdentity.sessionContext.sessionIssuer.arn = \"arn:aws:iam::123456789012:role/role-break-glass-dev\") }"
      && contains(keys(output.alarm_names), "break-glass-use")
    )
    error_message = "That it is assumed, and whatever its sessions do, must be counted and ring."
  }
}

run "the_protecting_policy_spares_the_break_glass_role_alone" {
  variables {
    access_roles_enabled = true
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.trail_protection[0].policy).Statement :
      statement.Effect == "Deny" && statement.Condition == { ArnNotLike = { "aws:PrincipalArn" = ["arn:aws:iam::123456789012:role/role-break-glass-dev"] } }
    ])
    error_message = "Each statement must deny, and spare one role."
  }

  assert {
    condition = alltrue([
      for action in ["cloudtrail:DeleteTrail", "cloudtrail:StopLogging", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors", "kms:DisableKey", "logs:DeleteSubscriptionFilter"] :
      contains(jsondecode(aws_iam_policy.trail_protection[0].policy).Statement[0].Action, action)
    ])
    error_message = "What stops the trail must be denied."
  }

  # What the break-glass role may alter is what others are denied, without IAM.
  assert {
    condition = length(setsubtract(
      flatten([for statement in jsondecode(aws_iam_policy.break_glass[0].policy).Statement : statement.Action if startswith(statement.Sid, "Alter")]),
      flatten([for statement in jsondecode(aws_iam_policy.trail_protection[0].policy).Statement : statement.Action]),
    )) == 0
    error_message = "What the break-glass role may alter, everyone else must be denied."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.break_glass[0].policy, "iam:")
    error_message = "The break-glass role alters the trail, and gives nobody permissions."
  }

  assert {
    condition = alltrue([
      for role in ["role-investigation-dev", "role-compliance-tools-dev", "role-verifier-dev", "role-cloudtrail-logs-dev", "role-event-forwarding-dev", "role-compliance-checker-dev"] :
      contains(keys(aws_iam_role_policy_attachment.access), "trail-protection/${role}")
    ]) && !contains(keys(aws_iam_role_policy_attachment.access), "trail-protection/role-break-glass-dev")
    error_message = "Every role but the break-glass role must have it."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_policy.break_glass[0], aws_iam_policy.log_files[0], aws_iam_policy.log_events[0], aws_iam_policy.trail_configuration[0], aws_iam_policy.trail_protection[0]] :
      length(policy.policy) <= 6144
    ]) && length(output.trail_protection_policy_document) <= 5120
    error_message = "A managed policy holds 6144 characters, and a service control policy 5120."
  }
}

run "remedies_that_are_applied_are_not_denied" {
  variables {
    access_roles_enabled = true
    remediation_rules    = ["trail-weakened"]
    remediation_mode     = "apply"
  }

  assert {
    condition     = !contains(keys(aws_iam_role_policy_attachment.access), "trail-protection/role-compliance-checker-dev")
    error_message = "The function alters trails where its remedies are applied."
  }
}

run "administrators_of_the_trail_are_spared_when_named" {
  variables {
    access_roles_enabled     = true
    trail_administrator_arns = ["arn:aws:iam::123456789012:role/deploy"]
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(output.trail_protection_policy_document).Statement :
      statement.Condition.ArnNotLike["aws:PrincipalArn"] == ["arn:aws:iam::123456789012:role/role-break-glass-dev", "arn:aws:iam::123456789012:role/deploy"]
    ])
    error_message = "The named role must be spared as well."
  }
}

run "investigators_read_what_they_are_given" {
  variables {
    access_roles_enabled             = true
    investigation_principals         = ["arn:aws:iam::123456789012:role/security-team"]
    investigation_log_group_arns     = ["arn:aws:logs:ap-southeast-1:123456789012:log-group:/aws/lambda/booking"]
    compliance_tools_principals      = ["arn:aws:iam::210987654321:role/collector"]
    investigation_role_probe_enabled = true
  }

  assert {
    condition = toset(jsondecode(aws_iam_policy.log_events[0].policy).Statement[0].Resource) == toset(flatten([
      for name in ["/aws/cloudtrail/cloudtrail-audit-dev", "/aws/lambda/lambda-compliance-checker-dev", "/aws/lambda/booking"] :
      ["arn:aws:logs:ap-southeast-1:123456789012:log-group:${name}", "arn:aws:logs:ap-southeast-1:123456789012:log-group:${name}:*"]
    ]))
    error_message = "The investigation role may read these log groups and no others."
  }

  assert {
    condition     = jsondecode(aws_iam_role.investigation[0].assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::123456789012:role/security-team", aws_iam_role.verifier.arn]
    error_message = "Those who are named may assume it, and the verifier where it tries it."
  }

  assert {
    condition     = jsondecode(aws_iam_role.compliance_tools[0].assume_role_policy).Statement[0].Principal.AWS == ["arn:aws:iam::210987654321:role/collector"]
    error_message = "The tools that are named may assume it."
  }

  assert {
    condition     = jsondecode(aws_iam_policy.verifier_probe_investigation_role[0].policy).Statement[0].Resource == "arn:aws:iam::123456789012:role/role-investigation-dev"
    error_message = "The verifier may assume the investigation role alone."
  }
}

run "another_break_glass_role_takes_the_place_of_ours" {
  variables {
    access_roles_enabled = true
    break_glass_role_arn = "arn:aws:iam::123456789012:role/keeper"
  }

  assert {
    condition     = length(aws_iam_role.break_glass) == 0 && length(output.access_role_arns) == 2
    error_message = "Where a role is given, none of that name may be made."
  }

  assert {
    condition = (
      strcontains(aws_iam_policy.trail_protection[0].policy, "role/keeper") && strcontains(aws_s3_bucket_policy.logs.policy, "role/keeper") &&
      strcontains(aws_cloudwatch_log_metric_filter.activity["break-glass-use"].pattern, "role/keeper") && !strcontains(aws_s3_bucket_policy.logs.policy, "role-break-glass")
    )
    error_message = "The given role must be the one that is spared, and heard."
  }
}

run "bad_principals_are_refused" {
  command = plan

  variables {
    break_glass_principals       = ["arn:aws:iam::123456789012:role/operator"]
    break_glass_mfa_age_seconds  = 86400
    investigation_principals     = ["arn:aws:iam::123456789012:root"]
    investigation_log_group_arns = ["arn:aws:logs:ap-southeast-1:123456789012:log-group:*"]
    compliance_tools_principals  = ["*"]
    trail_administrator_arns     = ["arn:aws:iam::123456789012:role/*"]
  }

  expect_failures = [
    var.break_glass_principals, var.break_glass_mfa_age_seconds, var.investigation_principals, var.investigation_log_group_arns,
    var.compliance_tools_principals, var.trail_administrator_arns,
  ]
}

run "a_protecting_policy_too_long_for_an_organization_is_refused" {
  command = plan

  variables {
    access_roles_enabled     = true
    trail_administrator_arns = [for number in range(30) : "arn:aws:iam::123456789012:role/a-rather-long-path/administrator-of-the-trail-${number}"]
  }

  expect_failures = [aws_iam_policy.trail_protection]
}
