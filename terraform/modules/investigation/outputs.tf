output "workgroup_name" {
  description = "Name of the workgroup that queries are asked in."
  value       = aws_athena_workgroup.investigation.name
}

output "workgroup_arn" {
  description = "ARN of the workgroup that queries are asked in."
  value       = aws_athena_workgroup.investigation.arn
}

output "catalog_arns" {
  description = "ARNs of the catalog, the database and the table: to see the table takes leave for all three."
  value       = local.catalog_arns
}

output "database_name" {
  description = "Name of the database that the table is in."
  value       = aws_glue_catalog_database.investigation.name
}

output "table_name" {
  description = "Name of the table of the trail's records."
  value       = aws_glue_catalog_table.records.name
}

output "results_bucket_name" {
  description = "Name of the bucket that holds the results of queries."
  value       = aws_s3_bucket.results.bucket
}

output "query_statements" {
  description = "What a role needs to ask in the workgroup and see the results, besides reading the log files: statements of an IAM policy."
  value       = local.query_statements
}
