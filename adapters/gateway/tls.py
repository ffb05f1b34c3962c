"""The TLS settings that every HTTP client of a process shares: reading the authorities' certificates takes 60 ms."""

import ssl
from functools import cache

import httpx


@cache
def tls_context() -> ssl.SSLContext:
    """Certificates are verified against the bundled authorities; the environment has no say."""
    return httpx.create_ssl_context(trust_env=False)


__all__ = ["tls_context"]
