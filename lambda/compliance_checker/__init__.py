"""Judges CloudTrail records as they arrive and raises one alert for each violation.

Standard library only; boto3 (the Lambda runtime's own) is imported when the first alert is
published. A cold start is paid for in the time of the first alert, so the modules also leave
``typing`` (7 ms) to the type checker: ``TYPE_CHECKING = False`` is what it knows as never true.
Nothing here knows anything outside this package.
"""
