"""Where CloudTrail's names differ from the API's.

The tables come from records that AWS has logged, and from the services' guides to their
CloudTrail entries.
"""

from __future__ import annotations

# Records of these services carry one region of the partition, whatever the one they were called in.
GLOBAL_SERVICES = frozenset({"iam", "sts", "organizations", "cloudfront", "route53", "signin"})

# botocore's service for a signing name that is not a service of its own.
SERVICE_OF_SIGNING_NAME = {
    "monitoring": "cloudwatch",
    "eventbridge": "events",
    "tagging": "resourcegroupstaggingapi",
    "elasticloadbalancing": "elbv2",
    "states": "stepfunctions",
    "access-analyzer": "accessanalyzer",
}

# eventSource, where it is not the signing name and ".amazonaws.com".
EVENT_SOURCE_OF_SERVICE = {
    "cloudwatch": "monitoring.amazonaws.com",
    "s3control": "s3.amazonaws.com",
    "elbv2": "elasticloadbalancing.amazonaws.com",
    "resourcegroupstaggingapi": "tagging.amazonaws.com",
    "stepfunctions": "states.amazonaws.com",
    "accessanalyzer": "access-analyzer.amazonaws.com",
}

EVENT_NAMES = {
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "DeletePublicAccessBlock"): "DeleteBucketPublicAccessBlock",
    ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
    ("s3", "GetBucketLifecycleConfiguration"): "GetBucketLifecycle",
    ("s3", "PutBucketNotificationConfiguration"): "PutBucketNotification",
    ("s3", "GetBucketNotificationConfiguration"): "GetBucketNotification",
    ("s3", "PutObjectLockConfiguration"): "PutBucketObjectLockConfiguration",
    ("s3", "GetObjectLockConfiguration"): "GetBucketObjectLockConfiguration",
    ("s3", "ListObjectsV2"): "ListObjects",
    ("s3control", "PutPublicAccessBlock"): "PutAccountPublicAccessBlock",
    ("s3control", "GetPublicAccessBlock"): "GetAccountPublicAccessBlock",
    ("s3control", "DeletePublicAccessBlock"): "DeleteAccountPublicAccessBlock",
    ("lambda", "CreateFunction"): "CreateFunction20150331",
    ("lambda", "DeleteFunction"): "DeleteFunction20150331",
    ("lambda", "GetFunction"): "GetFunction20150331v2",
    ("lambda", "GetFunctionConfiguration"): "GetFunctionConfiguration20150331v2",
    ("lambda", "UpdateFunctionCode"): "UpdateFunctionCode20150331v2",
    ("lambda", "UpdateFunctionConfiguration"): "UpdateFunctionConfiguration20150331v2",
    ("lambda", "AddPermission"): "AddPermission20150331v2",
    ("lambda", "RemovePermission"): "RemovePermission20150331v2",
    ("lambda", "GetPolicy"): "GetPolicy20150331v2",
    ("lambda", "ListFunctions"): "ListFunctions20150331",
    ("lambda", "PublishVersion"): "PublishVersion20150331",
    ("lambda", "ListVersionsByFunction"): "ListVersionsByFunction20150331",
    ("lambda", "CreateEventSourceMapping"): "CreateEventSourceMapping20150331",
    ("lambda", "UpdateEventSourceMapping"): "UpdateEventSourceMapping20150331",
    ("lambda", "DeleteEventSourceMapping"): "DeleteEventSourceMapping20150331",
    ("lambda", "PutFunctionConcurrency"): "PutFunctionConcurrency20171031",
    ("lambda", "DeleteFunctionConcurrency"): "DeleteFunctionConcurrency20171031",
    ("lambda", "TagResource"): "TagResource20170331v2",
    ("lambda", "UntagResource"): "UntagResource20170331v2",
    ("lambda", "ListTags"): "ListTags20170331",
}

# Data events: recorded only by a trail whose selectors ask for them.
DATA_EVENTS = {
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset(
        {
            "SendMessage",
            "SendMessageBatch",
            "ReceiveMessage",
            "DeleteMessage",
            "DeleteMessageBatch",
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
        }
    ),
    "dynamodb": frozenset(
        {
            "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan",
            "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
        }
    ),
    "cloudwatch": frozenset({"PutMetricData", "GetMetricData", "GetMetricStatistics"}),
}  # fmt: skip

# What CloudTrail does not record at all.
UNRECORDED = {
    "logs": frozenset({"PutLogEvents", "GetLogEvents", "FilterLogEvents", "StartLiveTail"}),
    "events": frozenset({"PutEvents"}),
}

# The type that selectors of data events use.
DATA_RESOURCE_TYPES = {
    "s3": "AWS::S3::Object",
    "lambda": "AWS::Lambda::Function",
    "sns": "AWS::SNS::Topic",
    "sqs": "AWS::SQS::Queue",
    "dynamodb": "AWS::DynamoDB::Table",
}

# EC2 actions whose records keep the request's own wrapper, with its capitals and "tag" numbers.
EC2_WRAPPED = frozenset(
    {
        "AssociateTransitGatewayRouteTable",
        "CreateFlowLogs",
        "CreateLaunchTemplate",
        "CreateManagedPrefixList",
        "CreateNatGateway",
        "CreateTrafficMirrorFilter",
        "CreateTrafficMirrorFilterRule",
        "CreateTrafficMirrorSession",
        "CreateTrafficMirrorTarget",
        "CreateTransitGateway",
        "CreateVpcEndpoint",
        "DeleteFlowLogs",
        "DeleteLaunchTemplate",
        "DeleteManagedPrefixList",
        "DeleteNatGateway",
        "DeleteVpcEndpoints",
        "DescribeFlowLogs",
        "DescribeLaunchTemplates",
        "DescribeManagedPrefixLists",
        "DescribeNatGateways",
        "DescribeSecurityGroupRules",
        "DescribeVpcEndpoints",
        "ModifyManagedPrefixList",
        "ModifySecurityGroupRules",
        "ModifyVpcEndpoint",
        "ReplaceIamInstanceProfileAssociation",
    }
)

# EC2's older actions: members whose name in the record is neither the API's nor the wire's.
EC2_MEMBERS = {
    "UserIdGroupPairs": "groups",
    "Filters": "filterSet",
    "TagSpecifications": "tagSpecificationSet",
    "Tags": "tagSet",
    "IcmpTypeCode": "icmpTypeCode",
    "PortRange": "portRange",
}
EC2_MEMBERS_OF_ACTION = {
    ("CreateNetworkAclEntry", "Protocol"): "aclProtocol",
    ("ReplaceNetworkAclEntry", "Protocol"): "aclProtocol",
    ("CreateTags", "Resources"): "resourcesSet",
    ("DeleteTags", "Resources"): "resourcesSet",
    ("CreateSecurityGroup", "Description"): "groupDescription",
}
# Lists of plain values become items with one key.
EC2_LISTS_OF_VALUES = {
    "GroupIds": ("securityGroupIdSet", "groupId"),
    "GroupNames": ("securityGroupSet", "groupName"),
    "InstanceIds": ("instancesSet", "instanceId"),
    "NetworkAclIds": ("networkAclIdSet", "networkAclId"),
    "NetworkInterfaceIds": ("networkInterfaceIdSet", "networkInterfaceId"),
    "Resources": ("resourcesSet", "resourceId"),
    "RouteTableIds": ("routeTableIdSet", "routeTableId"),
    "SubnetIds": ("subnetSet", "subnetId"),
    "VpcIds": ("vpcSet", "vpcId"),
    "Values": ("valueSet", "value"),
}
# Members that a record always has, empty when the call left them out.
EC2_ALWAYS_PRESENT = {
    "AuthorizeSecurityGroupIngress": ("ipPermissions",),
    "AuthorizeSecurityGroupEgress": ("ipPermissions",),
    "RevokeSecurityGroupIngress": ("ipPermissions",),
    "RevokeSecurityGroupEgress": ("ipPermissions",),
    "CreateNetworkAclEntry": ("icmpTypeCode", "portRange"),
    "ReplaceNetworkAclEntry": ("icmpTypeCode", "portRange"),
}
EC2_ANSWERS_RETURN = frozenset(
    {
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "CreateSecurityGroup",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
    }
)
EC2_WRAPPED_ALWAYS_PRESENT = {
    "CreateFlowLogs": ("unsuccessful",),
    "DeleteFlowLogs": ("unsuccessful",),
}
IP_PERMISSION_LISTS = ("groups", "ipRanges", "ipv6Ranges", "prefixListIds")

# Parameters whose values are never written to a record.
SECRETS = frozenset(
    {
        "password", "newpassword", "oldpassword", "masteruserpassword", "secretstring",
        "secretbinary", "plaintext", "secretaccesskey", "sessiontoken", "authtoken",
    }
)  # fmt: skip
