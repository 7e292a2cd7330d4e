"""Judges CloudTrail records as they arrive and raises one alert for each violation.

Standard library only; boto3 (the Lambda runtime's own) is imported when the first alert is
published. Nothing here knows anything outside this package.
"""
