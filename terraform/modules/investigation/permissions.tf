# What asking takes, besides reading the log files. Athena reads, writes and asks the catalog in the name of whoever asks:
# https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
# Partitions are not asked for: the table projects them.

locals {
  catalog_arns = [
    "arn:${local.partition}:glue:${local.region}:${local.account_id}:catalog",
    aws_glue_catalog_database.investigation.arn,
    aws_glue_catalog_table.records.arn,
  ]

  query_statements = [
    {
      Sid    = "AskWorkgroup"
      Effect = "Allow"
      Action = [
        "athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution", "athena:GetNamedQuery", "athena:GetQueryExecution",
        "athena:GetQueryResults", "athena:GetWorkGroup", "athena:ListNamedQueries", "athena:ListQueryExecutions",
        "athena:StartQueryExecution", "athena:StopQueryExecution",
      ]
      Resource = [aws_athena_workgroup.investigation.arn]
    },
    {
      Sid      = "ReadTableDefinition"
      Effect   = "Allow"
      Action   = ["glue:GetDatabase", "glue:GetTable"]
      Resource = local.catalog_arns
    },
    {
      Sid      = "FindResults"
      Effect   = "Allow"
      Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
      Resource = [aws_s3_bucket.results.arn]
    },
    {
      Sid      = "KeepAndReadResults"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
      Resource = ["${aws_s3_bucket.results.arn}/results/*"]
    },
    {
      # To decrypt by it, whoever reads log files has leave already.
      Sid       = "EncryptResults"
      Effect    = "Allow"
      Action    = ["kms:GenerateDataKey"]
      Resource  = [var.kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.dns_suffix}" } }
    },
  ]
}
