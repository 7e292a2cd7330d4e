mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "global_services"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "replication"
  source = "./tests/mocks"
}

variables {
  function_package = "tests/empty.zip"
}

run "nobody_is_subscribed_unless_asked_for" {
  command = plan

  assert {
    condition     = length(aws_sns_topic_subscription.alerts) == 0 && length(nonsensitive(output.alert_subscription_endpoints)) == 0
    error_message = "Alerts must go to nobody who was not named."
  }
}

run "who_is_named_is_subscribed_by_each_protocol" {
  variables {
    alert_subscriptions = [
      { protocol = "email", endpoint = "soc@hospital.example" },
      { protocol = "sms", endpoint = "+15555550100" },
      { protocol = "https", endpoint = "https://alerts.hospital.example:8443/hook?team=soc" },
    ]
  }

  assert {
    condition = {
      for subscription in aws_sns_topic_subscription.alerts : nonsensitive(subscription.endpoint) => subscription.protocol
      if subscription.topic_arn == "arn:aws:sns:ap-southeast-1:123456789012:sns-compliance-alerts-dev"
      } == {
      "soc@hospital.example"                               = "email"
      "+15555550100"                                       = "sms"
      "https://alerts.hospital.example:8443/hook?team=soc" = "https"
    }
    error_message = "Each of the named must be subscribed to the alert topic."
  }

  assert {
    condition     = alltrue([for name in keys(aws_sns_topic_subscription.alerts) : can(regex("^(email|sms|https)-[0-9a-f]{8}$", name))])
    error_message = "No address may stand in the name of a resource."
  }
}

run "an_address_that_is_none_is_refused" {
  command = plan

  variables {
    alert_subscriptions = [{ protocol = "email", endpoint = "soc at hospital.example" }]
  }

  expect_failures = [var.alert_subscriptions]
}

run "a_number_without_its_country_is_refused" {
  command = plan

  variables {
    alert_subscriptions = [{ protocol = "sms", endpoint = "0555550100" }]
  }

  expect_failures = [var.alert_subscriptions]
}

run "a_url_with_a_password_is_refused" {
  command = plan

  variables {
    alert_subscriptions = [{ protocol = "https", endpoint = "https://user:secret@hospital.example/hook" }]
  }

  expect_failures = [var.alert_subscriptions]
}

run "plain_http_is_refused" {
  command = plan

  variables {
    alert_subscriptions = [{ protocol = "http", endpoint = "http://hospital.example/hook" }]
  }

  expect_failures = [var.alert_subscriptions]
}

run "whoever_is_named_twice_is_refused" {
  command = plan

  variables {
    alert_subscriptions = [
      { protocol = "email", endpoint = "soc@hospital.example" },
      { protocol = "email", endpoint = "SOC@hospital.example" },
    ]
  }

  expect_failures = [var.alert_subscriptions]
}

run "a_topic_of_others_is_left_to_its_owner" {
  command = plan

  variables {
    existing_alert_topic_arn = "arn:aws:sns:ap-southeast-1:123456789012:security"
    alert_subscriptions      = [{ protocol = "email", endpoint = "soc@hospital.example" }]
  }

  expect_failures = [aws_sns_topic_subscription.alerts]
}
