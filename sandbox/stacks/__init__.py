"""CloudFormation as far as stack sets go: moto's drags in every service that a template may name.

Stack sets with self-managed permissions put EventBridge's rules into regions, by two roles. Of
other permissions, and of resources of other types, it says that it cannot.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-concepts.html
"""
