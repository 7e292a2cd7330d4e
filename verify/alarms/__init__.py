"""Judgement on alarms: pure functions of what CloudWatch says of them."""
