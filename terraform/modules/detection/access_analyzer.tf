# IAM Access Analyzer: which buckets, keys, roles, queues, functions and secrets somebody outside the account can reach, by proof of
# their policies and not by their wording.

resource "aws_accessanalyzer_analyzer" "account" {
  count = var.access_analyzer_enabled ? 1 : 0

  analyzer_name = "access-analyzer-${var.environment}"
  type          = "ACCOUNT"

  tags = { Name = "access-analyzer-${var.environment}" }
}
