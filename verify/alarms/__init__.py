"""Judgement on alarms: pure functions of what CloudWatch says of them.

An alarm is judged by what it does: it is evaluated as CloudWatch documents it, minute by minute,
on made-up data of an idle account, of events, and of silence.
"""
