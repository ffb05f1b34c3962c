"""Signatures of requests to targets."""

from datetime import UTC, datetime, timedelta

from schemas.configuration import Target
from streams.signatures import secret_of, signature, signed_headers

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
KEY = "hub-key"


def test_the_signature_is_that_of_the_published_test_vector() -> None:
    body = b'{"test": 2432232314}'
    made = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_target_and_each_version_of_its_secret_has_another_one() -> None:
    made = {secret_of(key, name, version) for key in ("a", "b") for name in ("x", "y") for version in (1, 2)}
    assert len(made) == 8
    assert secret_of(KEY, "x", 1) == secret_of(KEY, "x", 1)


def test_while_a_secret_is_rotated_a_request_is_signed_with_both() -> None:
    target = Target(id="x", url="https://x.example", secret_version=2, former_secret_until=NOW + timedelta(hours=1))
    said = signed_headers(KEY, target, "id", b"{}", NOW)
    timestamp = int(said["webhook-timestamp"])
    assert said["webhook-signature"].split() == [
        signature(secret_of(KEY, "x", version), "id", timestamp, b"{}") for version in (2, 1)
    ]
    assert len(signed_headers(KEY, target, "id", b"{}", NOW + timedelta(hours=1))["webhook-signature"].split()) == 1
