"""Uploads in a bucket. Only processes that touch an upload import this module, and with it botocore."""

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage

CONNECT_TIMEOUT, READ_TIMEOUT, ATTEMPTS = 3, 10, 2  # seconds, seconds, number


class Bucket(S3Storage):  # type: ignore[misc]
    """S3 with short timeouts, because a page waits, and without checksums that only Amazon's servers know."""

    def get_default_settings(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_default_settings()
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": ATTEMPTS},
            signature_version="s3v4",
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": self._constructor_args[1].get("addressing_style", "auto")},
        )
        return found | {"client_config": config}
