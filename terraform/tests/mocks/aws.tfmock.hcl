# What AWS would answer, in the shapes that the module relies on. Shared by all test files.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
    arn        = "arn:aws:iam::123456789012:user/tester"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition  = "aws"
    dns_suffix = "amazonaws.com"
  }
}

mock_data "aws_region" {
  defaults = {
    id   = "ap-southeast-1"
    name = "ap-southeast-1"
  }
}

mock_data "aws_availability_zones" {
  defaults = {
    names = ["ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"]
  }
}

# Another account's, which shares it with ours.
mock_data "aws_vpc" {
  defaults = {
    arn = "arn:aws:ec2:ap-southeast-1:210987654321:vpc/vpc-0a1b2c3d4e5f60718"
  }
}

mock_data "aws_regions" {
  defaults = {
    names = ["ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1", "us-east-2", "us-west-2"]
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn    = "arn:aws:kms:ap-southeast-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    key_id = "11111111-2222-3333-4444-555555555555"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:ap-southeast-1:123456789012:mocked-topic"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:ap-southeast-1:123456789012:mocked-queue"
    url = "https://sqs.ap-southeast-1.amazonaws.com/123456789012/mocked-queue"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:ap-southeast-1:123456789012:log-group:mocked-group"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/mocked-role"
  }
}

mock_resource "aws_iam_policy" {
  defaults = {
    arn = "arn:aws:iam::123456789012:policy/mocked-policy"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn = "arn:aws:lambda:ap-southeast-1:123456789012:function:mocked-function"
  }
}

mock_resource "aws_cloudtrail" {
  defaults = {
    arn         = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"
    home_region = "ap-southeast-1"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    id  = "s3-cloudtrail-logs-dev-123456789012"
    arn = "arn:aws:s3:::s3-cloudtrail-logs-dev-123456789012"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = {
    arn = "arn:aws:events:ap-southeast-1:123456789012:rule/rule-account-scan-dev"
  }
}

mock_resource "aws_cloudformation_stack_set" {
  defaults = {
    arn = "arn:aws:cloudformation:ap-southeast-1:123456789012:stackset/stackset-event-forwarding-dev:11111111-2222-3333-4444-555555555555"
  }
}
