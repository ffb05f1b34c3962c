"""Signatures of requests to targets, as Standard Webhooks say (https://www.standardwebhooks.com). Pure."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

from schemas.configuration import Target

_PREFIX: Final = "whsec_"


def secret_of(key: str, target: str, version: int) -> str:
    """A target's secret, as it is given to whoever runs it.

    It follows from the hub's own key, so that it lies neither in Kafka nor in MySQL; each version has another one.
    """
    made = hmac.digest(key.encode(), f"posto-target:{target}:{version}".encode(), hashlib.sha256)
    return _PREFIX + base64.b64encode(made).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The signature of one request."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = hmac.digest(base64.b64decode(secret.removeprefix(_PREFIX)), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(made).decode()}"


def signed_headers(key: str, target: Target, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a request; while a secret is being rotated, it is signed with both."""
    versions = [target.secret_version]
    if target.former_secret_until is not None and now < target.former_secret_until:
        versions.append(target.secret_version - 1)
    timestamp = int(now.timestamp())
    made = (signature(secret_of(key, target.id, version), message_id, timestamp, body) for version in versions)
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(made)}
