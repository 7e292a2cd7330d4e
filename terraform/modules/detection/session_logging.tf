# Session Manager's preferences: where it logs what people do on instances, in each session of the account in this region that is
# started by no document of its own. An account has one such document a region, of this name.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html

locals {
  session_count         = var.session_logging_enabled ? 1 : 0
  session_log_group     = "/aws/ssm/session-logs-${var.environment}"
  session_log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${local.session_log_group}"
  session_log_folder    = "sessions"
}

resource "aws_ssm_document" "sessions" {
  count = local.session_count

  name            = "SSM-SessionManagerRunShell"
  document_type   = "Session"
  document_format = "JSON"

  content = jsonencode({
    schemaVersion = "1.0"
    description   = "Every session is logged, encrypted, in a log group and in a bucket"
    sessionType   = "Standard_Stream"
    inputs = {
      # Whoever's role cannot see that group and bucket encrypt starts no session.
      s3BucketName                = local.session_log_bucket
      s3KeyPrefix                 = local.session_log_folder
      s3EncryptionEnabled         = true
      cloudWatchLogGroupName      = local.session_log_group
      cloudWatchEncryptionEnabled = true
      # While it lasts: what is sent at the end is lost with the instance.
      cloudWatchStreamingEnabled = true
      # Between the instance and whoever sits there, besides TLS.
      kmsKeyId           = var.kms_key_arn
      runAsEnabled       = false
      runAsDefaultUser   = ""
      idleSessionTimeout = "15"
      maxSessionDuration = "720"
      shellProfile       = { linux = "", windows = "" }
    }
  })

  tags = { Name = "SSM-SessionManagerRunShell" }

  # From its first version on it points to what takes the logs.
  depends_on = [aws_cloudwatch_log_group.sessions, aws_s3_bucket_policy.session_logs]
}

resource "aws_cloudwatch_log_group" "sessions" {
  count = local.session_count

  name              = local.session_log_group
  retention_in_days = var.session_log_retention_days
  kms_key_id        = var.kms_key_arn

  tags = { Name = local.session_log_group }
}

locals {
  # What the role of an instance needs, beside AmazonSSMManagedInstanceCore, for its sessions to be logged. Session Manager itself
  # writes nothing: the agent does, in that role.
  session_logging_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        # A listing of the account, by which the agent looks for the group and its key.
        Sid      = "FindLogGroup"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "*"
      },
      {
        Sid      = "WriteSessionLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "${local.session_log_group_arn}:*"
      },
      {
        Sid      = "SeeThatBucketEncrypts"
        Effect   = "Allow"
        Action   = "s3:GetEncryptionConfiguration"
        Resource = local.session_log_bucket_arn
      },
      {
        # The agent gives the bucket's owner each file once more, by its ACL. In a bucket without ACLs that changes nothing; refused,
        # each session would be a refused call, of which an alarm tells.
        Sid      = "WriteSessionLogFiles"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:PutObjectAcl"]
        Resource = "${local.session_log_bucket_arn}/${local.session_log_folder}/*"
      },
      {
        # To decrypt is part of writing a file in several parts.
        Sid       = "EncryptSessionLogFiles"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.${local.dns_suffix}" } }
      },
      {
        # Whoever starts the session makes its key, with kms:GenerateDataKey; the agent decrypts it.
        Sid       = "ShareSessionKey"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.kms_key_arn
        Condition = { StringLike = { "kms:EncryptionContext:aws:ssm:SessionId" = "*" } }
      },
    ]
  }
}
