# What is done to the objects of buckets, and which functions are invoked (data events): of the whole account, in every region.
# CloudTrail leaves some of them out by advanced selectors alone.

locals {
  # What would go round in circles: each delivered log file would be an event of the next one, each file of access logs tells of
  # delivered log files, and each copy is of a log file. Who reads log files stands in the access logs.
  circular_object_arns = concat(
    ["${local.log_bucket_arn}/"],
    [for made in [var.access_logs_enabled] : "${local.access_log_bucket_arn}/" if made],
    [for made in [var.replication_region != null] : "${local.replica_bucket_arn}/" if made],
  )

  # Of each selector: its fields, and what each must be or not be. They are objects of one shape, with null for no such condition.
  advanced_event_selectors = [
    for selector in [
      { name = "Management events", of = null, fields = { eventCategory = { equals = ["Management"] } } },
      {
        name   = "Objects but log files"
        of     = "AWS::S3::Object"
        fields = { "resources.ARN" = { not_starts_with = local.circular_object_arns } }
      },
      {
        # Tried or done. CloudTrail itself delivers by PutObject, which the bucket's policy refuses to everybody else.
        name = "Changes of log files but deliveries"
        of   = "AWS::S3::Object"
        fields = {
          "resources.ARN" = { starts_with = ["${local.log_bucket_arn}/"] }
          readOnly        = { equals = ["false"] }
          eventName       = { not_equals = ["PutObject"] }
        }
      },
      # The compliance function's as well: the subscription's pattern sends it no invocation, so that none causes another.
      { name = "Invocations of functions", of = "AWS::Lambda::Function", fields = {} },
    ] :
    {
      name = selector.name
      fields = {
        for field, conditions in merge(
          selector.of == null ? {} : { eventCategory = { equals = ["Data"] }, "resources.type" = { equals = [selector.of] } },
          selector.fields,
        ) :
        field => merge({ equals = null, starts_with = null, not_equals = null, not_starts_with = null }, conditions)
      }
    }
    if selector.of == null ? true : contains(var.data_events, selector.of)
  ]
}
