# Which alert has been told, so that an event that comes by both paths, twice or in a retry is told once. Without the table
# alerts go out all the same. What it holds are names of rules and events, times and, in a flood, the alerts that wait
# some seconds for one message to tell them.

resource "aws_dynamodb_table" "alert_ledger" {
  name         = local.ledger_table_name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  deletion_protection_enabled = var.ledger_deletion_protection

  attribute {
    name = "id"
    type = "S"
  }

  # Items end by themselves, days after the last retry of anything.
  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.logs.arn
  }

  tags = { Name = local.ledger_table_name }
}
