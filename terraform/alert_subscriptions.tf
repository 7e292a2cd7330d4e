# Who is sent the alerts, by choice: e-mail, SMS, HTTPS. SNS asks an e-mail address or a URL for its consent and sends it nothing
# before: who answers the message "AWS Notification - Subscription Confirmation" is subscribed, and Terraform does not wait for it.

locals {
  # Named by protocol and the start of a hash: addresses and numbers are personal, and names of resources are in every plan.
  alert_subscriptions     = { for subscription in var.alert_subscriptions : "${subscription.protocol}-${substr(sha256(subscription.endpoint), 0, 8)}" => subscription }
  alert_subscription_keys = nonsensitive(toset(keys(local.alert_subscriptions)))
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = local.alert_subscription_keys

  topic_arn = local.alert_topic_arn
  protocol  = nonsensitive(local.alert_subscriptions[each.key].protocol)
  endpoint  = local.alert_subscriptions[each.key].endpoint

  depends_on = [aws_sns_topic_policy.alerts]

  lifecycle {
    precondition {
      condition     = local.create_alert_topic
      error_message = "alert_subscriptions is for the topic that is made here, and alerts go to an existing one (existing_alert_topic_arn): let its owner subscribe, and leave the list empty."
    }
  }
}
