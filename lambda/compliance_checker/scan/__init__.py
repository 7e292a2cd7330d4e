"""The hourly look at the whole account: what no record told, or what was so before the trail began.

Every security group and VPC of the region, every bucket of the account, every trail that covers the
region. What cannot be read is never taken for fine: it is counted, named and alerted as well.
"""
