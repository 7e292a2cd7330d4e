# CloudTrail publishes no metric of its own. It notifies this topic of each log file that it delivers; the topic's count of
# delivered notifications is what shows that files keep coming (alarms.tf). SNS counts deliveries to subscribers, so without
# the queue there would be nothing to count.

resource "aws_sns_topic" "delivery" {
  name              = local.delivery_topic_name
  display_name      = "Trail delivery ${var.environment}"
  kms_master_key_id = aws_kms_key.logs.arn
  signature_version = 2

  tags = { Name = local.delivery_topic_name }
}

resource "aws_sns_topic_policy" "delivery" {
  arn = aws_sns_topic.delivery.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Id      = local.delivery_topic_name
    Statement = [
      {
        Sid       = "CloudTrailPublishes"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.delivery_topic_arn
        Condition = { StringEquals = { "aws:SourceArn" = local.trail_arn } }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.delivery_topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

# Its messages name log files and hold no audit record: SQS's own key is enough, and SNS needs no grant for it. Nobody reads
# them; a day's worth stays for an operator to look at.
resource "aws_sqs_queue" "delivery" {
  name                      = local.delivery_queue_name
  message_retention_seconds = 86400
  sqs_managed_sse_enabled   = true

  # Given here and not as a resource of its own, for which the provider would wait another 25 seconds.
  policy = jsonencode({
    Version = "2012-10-17"
    Id      = local.delivery_queue_name
    Statement = [
      {
        Sid       = "DeliveryTopicSends"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.delivery_queue_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.delivery_topic_arn } }
      },
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.delivery_queue_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  tags = { Name = local.delivery_queue_name }
}

resource "aws_sns_topic_subscription" "delivery" {
  topic_arn = aws_sns_topic.delivery.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.delivery.arn
}
