"""Judges CloudTrail records as they arrive and raises one alert for each violation.

Standard library only; boto3 (the Lambda runtime's own) takes 0.1 s of the processor to import and
is imported when the first call to AWS is made. Nothing here knows anything outside this package.
"""
