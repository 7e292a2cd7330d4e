output "config_recorder_name" {
  description = "Name of AWS Config's recorder; null without one."
  value       = one(aws_config_configuration_recorder_status.account[*].name)
}

output "config_delivery_channel_name" {
  description = "Name of AWS Config's delivery channel; null without one."
  value       = one(aws_config_delivery_channel.history[*].name)
}

output "config_history_bucket_names" {
  description = "Name of the bucket that AWS Config delivers into; none without AWS Config."
  value       = aws_s3_bucket.config_history[*].bucket
}

output "config_rule_names" {
  description = "Names of the rules of AWS Config; none without AWS Config."
  value       = sort([for rule in aws_config_config_rule.managed : rule.name])
}

output "config_role_arns" {
  description = "ARN of AWS Config's service-linked role, if it was made here."
  value       = aws_iam_service_linked_role.config[*].arn
}

output "guardduty_detector_id" {
  description = "Id of GuardDuty's detector; null without one."
  value       = one(aws_guardduty_detector.account[*].id)
}

output "security_hub_arn" {
  description = "ARN of Security Hub's hub; null without one."
  value       = one(aws_securityhub_account.account[*].arn)
}

output "access_analyzer_name" {
  description = "Name of IAM Access Analyzer's analyzer; null without one."
  value       = one(aws_accessanalyzer_analyzer.account[*].analyzer_name)
}

output "session_document_name" {
  description = "Name of the document of Session Manager's preferences; null without session logging."
  value       = one(aws_ssm_document.sessions[*].name)
}

output "session_log_group_name" {
  description = "Name of the log group of Session Manager's sessions; null without session logging."
  value       = one(aws_cloudwatch_log_group.sessions[*].name)
}

output "session_log_bucket_names" {
  description = "Name of the bucket of Session Manager's sessions; none without session logging."
  value       = aws_s3_bucket.session_logs[*].bucket
}

output "session_logging_policy_document" {
  description = "What the role of an instance needs for its sessions to be logged, as JSON; empty without session logging."
  value       = var.session_logging_enabled ? jsonencode(local.session_logging_policy) : ""
}

output "finding_log_group_name" {
  description = "Name of the log group that keeps findings; null without one."
  value       = one(aws_cloudwatch_log_group.findings[*].name)
}
