"""What several topics' faults change, each with how it is mended."""

from __future__ import annotations

from contextlib import ExitStack

from mutants.account import Account


def encrypt(topic: str, key: str, account: Account, mending: ExitStack) -> None:
    """Encrypt the topic, by its ARN, with another key; with none, if `key` is empty."""

    def put(value: str) -> None:
        account.sns.set_topic_attributes(
            TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=value
        )

    mending.callback(put, account.outputs["kms_key_arn"])
    put(key)
