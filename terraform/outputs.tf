# Outputs say where things are. How they should be is the verification baseline's to say.

# --- Deployment ------------------------------------------------------------------------------------------------------

output "account_id" {
  description = "AWS account of the deployment."
  value       = local.account_id
}

output "region" {
  description = "Home region of the deployment."
  value       = local.region
}

output "partition" {
  description = "AWS partition of the deployment (aws, aws-cn, aws-us-gov, aws-eusc)."
  value       = local.partition
}

output "environment" {
  description = "Name of the environment, which ends every resource name."
  value       = var.environment
}

output "profile" {
  description = "Profile that the deployment was made from."
  value       = var.profile
}

# --- Network ---------------------------------------------------------------------------------------------------------

output "vpc_id" {
  description = "ID of the VPC."
  value       = aws_vpc.audit.id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, in the order of the variable private_subnet_cidr_blocks."
  value       = aws_subnet.private[*].id
}

output "private_route_table_ids" {
  description = "IDs of the private subnets' route tables, in the same order."
  value       = aws_route_table.private[*].id
}

output "application_security_group_id" {
  description = "ID of the application tier's security group."
  value       = aws_security_group.application.id
}

output "default_security_group_id" {
  description = "ID of the VPC's default security group."
  value       = aws_default_security_group.closed.id
}

# --- Trail and log storage -------------------------------------------------------------------------------------------

output "trail_name" {
  description = "Name of the trail."
  value       = aws_cloudtrail.audit.name
}

output "trail_arn" {
  description = "ARN of the trail."
  value       = aws_cloudtrail.audit.arn
}

output "trail_home_region" {
  description = "Region in which the trail is managed; calls that change it are refused elsewhere."
  value       = aws_cloudtrail.audit.home_region
}

output "log_bucket_name" {
  description = "Name of the bucket that holds the log and digest files."
  value       = aws_s3_bucket.logs.bucket
}

output "log_bucket_arn" {
  description = "ARN of the bucket that holds the log and digest files."
  value       = aws_s3_bucket.logs.arn
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the audit logs."
  value       = aws_kms_key.logs.arn
}

output "kms_key_alias" {
  description = "Alias of the key that encrypts the audit logs."
  value       = aws_kms_alias.logs.name
}

output "trail_log_group_name" {
  description = "Name of the log group that the trail writes to."
  value       = aws_cloudwatch_log_group.trail.name
}

output "trail_log_group_arn" {
  description = "ARN of the log group that the trail writes to, without the ending for log streams."
  value       = aws_cloudwatch_log_group.trail.arn
}

output "trail_logs_role_name" {
  description = "Name of the role with which CloudTrail writes to its log group."
  value       = aws_iam_role.trail_logs.name
}

output "trail_logs_role_arn" {
  description = "ARN of the role with which CloudTrail writes to its log group."
  value       = aws_iam_role.trail_logs.arn
}

# --- Trail delivery notifications ------------------------------------------------------------------------------------

output "delivery_topic_arn" {
  description = "ARN of the topic that CloudTrail notifies of each log file."
  value       = aws_sns_topic.delivery.arn
}

output "delivery_queue_url" {
  description = "URL of the queue subscribed to the delivery topic."
  value       = aws_sqs_queue.delivery.url
}

# --- Compliance function ---------------------------------------------------------------------------------------------

output "function_name" {
  description = "Name of the compliance function."
  value       = aws_lambda_function.compliance_checker.function_name
}

output "function_arn" {
  description = "ARN of the compliance function."
  value       = aws_lambda_function.compliance_checker.arn
}

output "function_log_group_name" {
  description = "Name of the compliance function's log group."
  value       = aws_cloudwatch_log_group.function.name
}

output "function_role_name" {
  description = "Name of the compliance function's execution role."
  value       = aws_iam_role.function.name
}

output "function_role_arn" {
  description = "ARN of the compliance function's execution role."
  value       = aws_iam_role.function.arn
}

output "function_rehearsal_alias" {
  description = "Alias of the compliance function that judges and does nothing else."
  value       = aws_lambda_alias.rehearsal.name
}

output "event_forwarding_region" {
  description = "Region of the global services, where rules of the same names forward events to the home region, unless it is the home region itself."
  value       = local.global_region
}

output "event_forwarding_role_name" {
  description = "Name of the role with which EventBridge forwards events to the home region."
  value       = aws_iam_role.event_forwarding.name
}

output "event_forwarding_role_arn" {
  description = "ARN of the role with which EventBridge forwards events to the home region."
  value       = aws_iam_role.event_forwarding.arn
}

output "further_event_regions" {
  description = "Further regions, where a stack set keeps rules of the same names that forward events to the home region."
  value       = sort(local.further_event_regions)
}

output "event_stack_set_arns" {
  description = "ARN of the stack set that keeps the rules of further regions; none without such regions."
  value       = aws_cloudformation_stack_set.forwarded[*].arn
}

output "event_stack_set_role_arns" {
  description = "ARNs of the roles by which the stack set keeps the rules of further regions; none without such regions."
  value       = concat(aws_iam_role.event_administration[*].arn, aws_iam_role.event_execution[*].arn)
}

output "ledger_table_name" {
  description = "Name of the table that holds which alerts have been told."
  value       = aws_dynamodb_table.alert_ledger.name
}

output "ledger_table_arn" {
  description = "ARN of the table that holds which alerts have been told."
  value       = aws_dynamodb_table.alert_ledger.arn
}

output "subscription_filter_name" {
  description = "Name of the subscription filter that feeds the compliance function from the trail's log group."
  value       = aws_cloudwatch_log_subscription_filter.compliance_checker.name
}

output "dead_letter_queue_url" {
  description = "URL of the queue for records that the compliance function could not process."
  value       = aws_sqs_queue.dead_letter.url
}

output "dead_letter_queue_arn" {
  description = "ARN of the queue for records that the compliance function could not process."
  value       = aws_sqs_queue.dead_letter.arn
}

# --- Alerts and alarms -----------------------------------------------------------------------------------------------

output "alert_topic_name" {
  description = "Name of the topic that alerts and alarms go to."
  value       = element(split(":", local.alert_topic_arn), 5)

  # With this the output exists once the topic can be published to.
  depends_on = [aws_sns_topic_policy.alerts]
}

output "alert_topic_arn" {
  description = "ARN of the topic that alerts and alarms go to."
  value       = local.alert_topic_arn

  depends_on = [aws_sns_topic_policy.alerts]
}

output "alarm_names" {
  description = "Names of the alarms by purpose."
  value       = { for purpose, alarm in local.alarms : purpose => alarm.alarm_name }
}

output "alarm_arns" {
  description = "ARNs of the alarms by purpose."
  value       = { for purpose, alarm in local.alarms : purpose => alarm.arn }
}

# --- Verification ----------------------------------------------------------------------------------------------------

output "verifier_role_name" {
  description = "Name of the role with which the deployment is verified."
  value       = aws_iam_role.verifier.name
}

output "verifier_role_arn" {
  description = "ARN of the role with which the deployment is verified."
  value       = aws_iam_role.verifier.arn
}
