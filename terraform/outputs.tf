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

# --- Network: but for the VPC, null or an empty list where existing_vpc_id has none made -------------------------------------

output "vpc_id" {
  description = "ID of the VPC: the one that is made here, or existing_vpc_id."
  value       = local.vpc_id
}

output "private_subnet_ids" {
  description = "IDs of the private subnets, in the order of the variable private_subnet_cidr_blocks."
  value       = flatten(module.network[*].private_subnet_ids)
}

output "private_route_table_ids" {
  description = "IDs of the private subnets' route tables, in the same order."
  value       = flatten(module.network[*].private_route_table_ids)
}

output "application_security_group_id" {
  description = "ID of the application tier's security group."
  value       = one(module.network[*].application_security_group_id)
}

output "default_security_group_id" {
  description = "ID of the VPC's default security group."
  value       = one(module.network[*].default_security_group_id)
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

# --- The network in tiers: null, or an empty list, where the network is private ------------------------------------------

output "public_subnet_ids" {
  description = "IDs of the public subnets, in the order of the variable public_subnet_cidr_blocks."
  value       = flatten(module.network[*].public_subnet_ids)
}

output "public_route_table_ids" {
  description = "IDs of the public subnets' route tables; one serves them all."
  value       = flatten(module.network[*].public_route_table_ids)
}

output "internet_gateway_id" {
  description = "ID of the internet gateway."
  value       = one(module.network[*].internet_gateway_id)
}

output "nat_gateway_ids" {
  description = "IDs of the NAT gateways, in the order of the public subnets."
  value       = flatten(module.network[*].nat_gateway_ids)
}

output "nat_address_ids" {
  description = "Allocation IDs of the NAT gateways' public addresses, in the same order."
  value       = flatten(module.network[*].nat_address_ids)
}

output "web_security_group_id" {
  description = "ID of the web tier's security group."
  value       = one(module.network[*].web_security_group_id)
}

output "database_security_group_id" {
  description = "ID of the database tier's security group."
  value       = one(module.network[*].database_security_group_id)
}

output "bastion_security_group_id" {
  description = "ID of the bastion's security group."
  value       = one(module.network[*].bastion_security_group_id)
}

output "endpoints_security_group_id" {
  description = "ID of the security group of the interface endpoints."
  value       = one(module.network[*].endpoints_security_group_id)
}

output "network_acl_ids" {
  description = "IDs of the network ACLs of the tiers, public and private."
  value       = flatten(module.network[*].network_acl_ids)
}

output "vpc_endpoint_ids" {
  description = "IDs of the endpoints of AWS services, gateway endpoints first."
  value       = flatten(module.network[*].vpc_endpoint_ids)
}

output "gateway_endpoint_prefix_list_ids" {
  description = "IDs of AWS's own prefix lists of the services that have a gateway endpoint."
  value       = flatten(module.network[*].gateway_endpoint_prefix_list_ids)
}

# --- Flow logs: null where the VPC's traffic is not recorded -------------------------------------------------------------

output "flow_log_id" {
  description = "ID of the VPC's flow log."
  value       = one(module.network[*].flow_log_id)
}

output "flow_log_group_name" {
  description = "Name of the log group that holds the VPC's flow logs."
  value       = one(module.network[*].flow_log_group_name)
}

output "flow_log_group_arn" {
  description = "ARN of the log group that holds the VPC's flow logs."
  value       = one(module.network[*].flow_log_group_arn)
}

output "flow_log_role_arn" {
  description = "ARN of the role with which VPC Flow Logs writes to its log group."
  value       = one(module.network[*].flow_log_role_arn)
}

# --- Subscriptions of alerts -----------------------------------------------------------------------------------------

output "alert_subscription_endpoints" {
  description = "Addresses, numbers and URLs that alerts are sent to by alert_subscriptions: personal data, which the verification leaves out of its evidence."
  value       = sort([for subscription in var.alert_subscriptions : subscription.endpoint])
  sensitive   = true
}

# --- Archive, access logs, copies ------------------------------------------------------------------------------------

output "access_log_bucket_names" {
  description = "Name of the bucket that holds the log bucket's access logs; none where they are off."
  value       = aws_s3_bucket.access_logs[*].bucket
}

output "replica_bucket_names" {
  description = "Name of the bucket that holds the copies of the log files; none where there are no copies."
  value       = aws_s3_bucket.replica[*].bucket
}

output "replica_regions" {
  description = "Region of the copies of the log files; none where there are no copies."
  value       = var.replication_region == null ? [] : [var.replication_region]
}

output "replica_key_arns" {
  description = "ARN of the key that encrypts the copies of the log files; none where there are no copies."
  value       = aws_kms_key.replica[*].arn
}

output "replication_role_arns" {
  description = "ARN of the role with which S3 copies the log files; none where there are no copies."
  value       = aws_iam_role.replication[*].arn
}

# --- Access ----------------------------------------------------------------------------------------------------------

output "access_role_arns" {
  description = "ARNs of the roles for break glass, investigation and compliance tools; none without access roles."
  value       = concat(aws_iam_role.break_glass[*].arn, aws_iam_role.investigation[*].arn, aws_iam_role.compliance_tools[*].arn)
}

output "trail_protection_policy_arns" {
  description = "ARN of the policy that denies whatever would stop the trail or blind it, to be attached to people's roles; none without access roles."
  value       = aws_iam_policy.trail_protection[*].arn
}

output "trail_protection_policy_document" {
  description = "The same policy as JSON, which can be a service control policy of the organization; empty without access roles."
  value       = join("", aws_iam_policy.trail_protection[*].policy)
}

# --- Dashboard -------------------------------------------------------------------------------------------------------

output "dashboard_name" {
  description = "Name of the dashboard; null without one."
  value       = one(aws_cloudwatch_dashboard.audit[*].dashboard_name)
}

output "verification_metric_namespace" {
  description = "Namespace of the metric that tells when the last clean verification was; null where nobody puts or shows it."
  value       = var.verification_metric_enabled || var.dashboard_enabled ? local.verification_metric_namespace : null
}

# --- Reports: empty where there are none ---------------------------------------------------------------------------------

output "reports_bucket_names" {
  description = "Name of the bucket for the verifier's reports."
  value       = aws_s3_bucket.reports[*].bucket
}

output "report_signing_key_arns" {
  description = "ARN of the key with which the verifier signs its reports."
  value       = aws_kms_key.reports[*].arn
}

# --- Application logs -----------------------------------------------------------------------------------------------

output "application_log_group_names" {
  description = "Names of the log groups of applications, in the order of the applications' names."
  value       = [for name in sort(keys(var.application_log_groups)) : aws_cloudwatch_log_group.application[name].name]
}

# --- Investigation: null where log files cannot be asked by SQL ----------------------------------------------------------

output "investigation_workgroup_name" {
  description = "Name of the Athena workgroup in which the trail's log files are asked."
  value       = one(module.investigation[*].workgroup_name)
}

output "investigation_database_name" {
  description = "Name of the Glue database with the table of the trail's records."
  value       = one(module.investigation[*].database_name)
}

output "investigation_table_name" {
  description = "Name of the Glue table of the trail's records."
  value       = one(module.investigation[*].table_name)
}

output "investigation_results_bucket_names" {
  description = "Name of the bucket that holds the results of queries; none where there are none."
  value       = module.investigation[*].results_bucket_name
}

# --- Detection: null, or empty, where a service is off ---------------------------------------------------------------------

output "config_recorder_name" {
  description = "Name of the recorder of AWS Config."
  value       = module.detection.config_recorder_name
}

output "config_delivery_channel_name" {
  description = "Name of the delivery channel of AWS Config."
  value       = module.detection.config_delivery_channel_name
}

output "config_history_bucket_names" {
  description = "Name of the bucket that AWS Config delivers into."
  value       = module.detection.config_history_bucket_names
}

output "config_rule_names" {
  description = "Names of the rules of AWS Config."
  value       = module.detection.config_rule_names
}

output "config_role_arns" {
  description = "ARN of AWS Config's service-linked role, where the deployment has made it."
  value       = module.detection.config_role_arns
}

output "guardduty_detector_id" {
  description = "Id of GuardDuty's detector; null without one."
  value       = module.detection.guardduty_detector_id
}

output "security_hub_arn" {
  description = "ARN of Security Hub's hub; null without one."
  value       = module.detection.security_hub_arn
}

output "access_analyzer_name" {
  description = "Name of IAM Access Analyzer's analyzer; null without one."
  value       = module.detection.access_analyzer_name
}

output "session_document_name" {
  description = "Name of the document of Session Manager's preferences."
  value       = module.detection.session_document_name
}

output "session_log_group_name" {
  description = "Name of the log group of Session Manager's sessions."
  value       = module.detection.session_log_group_name
}

output "session_log_bucket_names" {
  description = "Name of the bucket of Session Manager's sessions."
  value       = module.detection.session_log_bucket_names
}

output "session_logging_policy_document" {
  description = "Policy, as JSON, that the role of an instance needs for its sessions to be logged (docs/session-logging.md)."
  value       = module.detection.session_logging_policy_document
}

output "finding_log_group_name" {
  description = "Name of the log group that keeps what GuardDuty, Security Hub and IAM Access Analyzer find."
  value       = module.detection.finding_log_group_name
}
