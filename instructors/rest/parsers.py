"""JSON bodies, compressed or not."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from core import gzip_body
from instructors.rest.exceptions import BadRequest, TooLarge, too_large_for


class GzipJSONParser(JSONParser):
    """JSON, also with `Content-Encoding: gzip`; the limit on size counts the bytes as sent and as inflated."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        most = settings.EVENT_BODY_LIMIT
        content = stream.read(most + 1)
        if request is not None and request.headers.get("Content-Encoding", "").lower() in gzip_body.NAMES:
            try:
                content = gzip_body.inflate(content, limit=most)
            except gzip_body.BadGzip as error:
                raise BadRequest(str(error)) from None
            except gzip_body.TooLong:
                raise TooLarge(f"The body exceeds the maximum size of {most} bytes") from None
        if len(content) > most:
            raise TooLarge(too_large_for(most))
        try:
            return self.loads(content)
        except (ValueError, RecursionError):
            raise ParseError("JSON decode error") from None

    def loads(self, content: bytes) -> Any:
        """The value of a body in any Unicode, with or without a byte order mark (RFC 8259 section 8.1). Raises
        ParseError, ValueError, RecursionError."""
        encoding = json.detect_encoding(content)
        return super().parse(BytesIO(content if encoding == "utf-8" else content.decode(encoding).encode()))
