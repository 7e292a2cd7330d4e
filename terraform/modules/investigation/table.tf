# The trail's log files as a table, which Athena reads where they lie. Which files there may be follows from a file's path, so
# that nobody has to add a partition each day (partition projection):
# https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html

resource "aws_glue_catalog_database" "investigation" {
  name        = local.database_name
  description = "The audit trail's log files, for investigations"

  tags = { Name = local.database_name }
}

locals {
  log_location = join("/", compact(["s3://${var.log_bucket_name}/AWSLogs", var.organization_id]))

  # Names are lower-case in the catalog, and found in the records whatever their case. Of sessionContext AWS's own example
  # leaves out sourceIdentity, by which a session says who is behind it.
  record_columns = {
    eventversion = "string"
    useridentity = join("", [
      "struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,username:string,",
      "onbehalfof:struct<userid:string,identitystorearn:string>,",
      "sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,",
      "sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>,",
      "ec2roledelivery:string,webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>,",
      "sourceidentity:string>>",
    ])
    eventtime                    = "string"
    eventsource                  = "string"
    eventname                    = "string"
    awsregion                    = "string"
    sourceipaddress              = "string"
    useragent                    = "string"
    errorcode                    = "string"
    errormessage                 = "string"
    requestparameters            = "string"
    responseelements             = "string"
    additionaleventdata          = "string"
    requestid                    = "string"
    eventid                      = "string"
    readonly                     = "string"
    resources                    = "array<struct<arn:string,accountid:string,type:string>>"
    eventtype                    = "string"
    apiversion                   = "string"
    recipientaccountid           = "string"
    serviceeventdetails          = "string"
    sharedeventid                = "string"
    vpcendpointid                = "string"
    vpcendpointaccountid         = "string"
    eventcategory                = "string"
    addendum                     = "struct<reason:string,updatedfields:string,originalrequestid:string,originaleventid:string>"
    sessioncredentialfromconsole = "string"
    edgedevicedetails            = "string"
    tlsdetails                   = "struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>"
  }
}

resource "aws_glue_catalog_table" "records" {
  name          = local.table_name
  database_name = aws_glue_catalog_database.investigation.name
  description   = "One row an event of the audit trail, by the account, the region and the day (UTC) of its log file"
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL       = "TRUE"
    classification = "cloudtrail"

    "projection.enabled"        = "true"
    "projection.account.type"   = "enum"
    "projection.account.values" = join(",", sort(var.account_ids))
    "projection.region.type"    = "enum"
    "projection.region.values"  = join(",", sort(var.regions))
    "projection.day.type"       = "date"
    "projection.day.format"     = "yyyy/MM/dd"
    # A day more than files are kept: S3 takes them away some time after midnight.
    "projection.day.range"         = "NOW-${var.log_retention_days + 1}DAYS,NOW"
    "projection.day.interval"      = "1"
    "projection.day.interval.unit" = "DAYS"
    "storage.location.template"    = "${local.log_location}/$${account}/CloudTrail/$${region}/$${day}"

    # Archived files that were restored are read like any other; without this they stay unseen.
    # https://docs.aws.amazon.com/athena/latest/ug/querying-glacier.html
    read_restored_glacier_objects = "true"
  }

  dynamic "partition_keys" {
    for_each = ["account", "region", "day"]

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = "${local.log_location}/"
    input_format  = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hive.hcatalog.data.JsonSerDe"
      parameters            = { "serialization.format" = "1" }
    }

    dynamic "columns" {
      for_each = local.record_columns

      content {
        name = columns.key
        type = columns.value
      }
    }
  }
}
