"""Bytes that tell whether they are whole: the payload, then its SHA-256.

The digest comes last, so that readers of ``.npy`` and other self-describing formats still open the file.
"""

import hashlib

_DIGEST_BYTES = 32


def seal(payload: bytes) -> bytes:
    """``payload`` with its digest behind it."""
    return payload + hashlib.sha256(payload).digest()


def unseal(data: bytes | None) -> bytes | None:
    """The payload of sealed bytes, or None if they are missing, truncated or altered."""
    if data is None or len(data) < _DIGEST_BYTES:
        return None
    payload, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None
