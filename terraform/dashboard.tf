# Security, compliance and operations at a glance. It is made of what the alarms and the metric filters are made of, so that
# whatever is watched is shown, and nothing is that nobody publishes.

locals {
  dashboard_name = "dashboard-audit-${var.environment}"

  function_counts = ["Records", "RecordsWithViolation", "RecordsUnprocessable", "AlertsPublished", "AlertsNotPublished"]

  # Each metric as a widget lists it: namespace, name, dimensions, and how it is drawn.
  dashboard_rows = { for section, metrics in {
    activity = [
      for purpose in keys(local.activity_alarms) :
      { namespace = local.activity_metric_namespace, metric_name = aws_cloudwatch_log_metric_filter.activity[purpose].metric_transformation[0].name, dimensions = {}, drawn = { stat = "Sum", label = purpose } }
    ]
    records = concat(
      [for name in local.function_counts : { namespace = var.function_metric_namespace, metric_name = name, dimensions = { Environment = var.environment }, drawn = { stat = "Sum" } }],
      [{ namespace = var.function_metric_namespace, metric_name = "AlertLatency", dimensions = { Environment = var.environment }, drawn = { stat = "Maximum", yAxis = "right" } }],
    )
    scan = [
      for check in sort(var.account_scan_enabled ? var.account_scan_checks : []) :
      { namespace = var.function_metric_namespace, metric_name = "ScanFaults", dimensions = { Environment = var.environment, Check = check }, drawn = { stat = "Maximum", label = check } }
    ]
    function = concat(
      [for purpose, alarm in local.function_alarms : { namespace = alarm.namespace, metric_name = alarm.metric_name, dimensions = alarm.dimensions, drawn = { stat = alarm.statistic, yAxis = alarm.metric_name == "Duration" ? "right" : "left" } }],
      [for id, metric in local.not_invoked_metrics : { namespace = metric.namespace, metric_name = metric.metric_name, dimensions = metric.dimensions, drawn = { stat = "Sum" } }],
    )
    delivery = [
      for purpose, alarm in local.delivery_alarms :
      { namespace = alarm.namespace, metric_name = alarm.metric_name, dimensions = alarm.dimensions, drawn = { stat = "Sum", label = purpose } }
    ]
    } : section => [
    for metric in metrics :
    concat([metric.namespace, metric.metric_name], flatten([for name, value in metric.dimensions : [name, value]]), [metric.drawn])
  ] }

  # A metric has no "time since": the suite publishes when the last clean verification was, and the clock is counted from it.
  dashboard_verification = [
    [{ expression = "(EPOCH(FILL(clean, REPEAT)) - FILL(clean, REPEAT)) / 3600", label = "Hours", id = "hours" }],
    [local.verification_metric_namespace, "LastCleanVerification", "Environment", var.environment, { id = "clean", stat = "Maximum", visible = false }],
  ]
  dashboard_unusual_access = [
    for metric in local.unusual_access_metrics : [
      [metric.namespace, metric.metric_name, "BucketName", metric.dimensions.BucketName, "FilterId", metric.dimensions.FilterId, { id = "requests", stat = "Sum" }],
      [{ expression = local.unusual_access_band, label = "Usual at this time", id = "usual" }],
    ]
  ]

  dashboard_widgets = concat(
    [{ type = "alarm", properties = { title = "Alarms", alarms = [for alarm in local.alarms : alarm.arn] } }],
    [for widget in concat(
      [{ title = "Security: what somebody did", period = 300, metrics = local.dashboard_rows.activity }],
      [for rows in local.dashboard_unusual_access : { title = "Security: requests to the log bucket", period = 300, metrics = rows }],
      [{ title = "Compliance: records judged, and alerts", period = 300, metrics = local.dashboard_rows.records }],
      [for enabled in var.account_scan_enabled ? [true] : [] : { title = "Compliance: faults that the scan of the account found", period = 3600, metrics = local.dashboard_rows.scan }],
      [{ title = "Compliance: hours since the last clean verification", period = 3600, metrics = local.dashboard_verification }],
      [{ title = "Operations: the compliance function", period = 300, metrics = local.dashboard_rows.function }],
      [{ title = "Operations: what the trail delivers", period = 900, metrics = local.dashboard_rows.delivery }],
      ) : {
      type       = "metric"
      properties = merge(widget, { region = local.region, view = "timeSeries", stat = "Sum" })
    }],
  )
}

resource "aws_cloudwatch_dashboard" "audit" {
  count = var.dashboard_enabled ? 1 : 0

  dashboard_name = local.dashboard_name
  dashboard_body = jsonencode({
    start = "-P7D"
    widgets = [
      for index, widget in local.dashboard_widgets :
      merge(widget, { x = index % 2 * 12, y = floor(index / 2) * 6, width = 12, height = 6 })
    ]
  })
}
