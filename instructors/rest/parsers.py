"""Parsers of JSON bodies, with or without gzip."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from core import gzip_body
from core.json_size import TooManyValues, refuse_too_many_values
from instructors.rest.exceptions import BadRequest, TooLarge, too_large_for


class GzipJSONParser(JSONParser):
    """JSON, also with `Content-Encoding: gzip`. EVENT_BODY_LIMIT applies to the bytes as sent and as inflated."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        limit = settings.EVENT_BODY_LIMIT
        content = stream.read(limit + 1)
        if request is not None and request.headers.get("Content-Encoding", "").lower() in gzip_body.NAMES:
            try:
                content = gzip_body.inflate(content, limit=limit)
            except gzip_body.BadGzip as error:
                raise BadRequest(str(error)) from None
            except gzip_body.TooLong:
                raise TooLarge(too_large_for(limit)) from None
        if len(content) > limit:
            raise TooLarge(too_large_for(limit))
        try:
            return self.loads(content)
        except (ValueError, RecursionError):
            raise ParseError("JSON decode error") from None
        except TooManyValues as error:
            raise TooLarge(str(error)) from None

    def loads(self, content: bytes) -> Any:
        """Return the value of a body in UTF-8, UTF-16 or UTF-32, with or without a byte order mark (RFC 8259 section
        8.1). Raises ParseError, ValueError, RecursionError, TooManyValues."""
        encoding = json.detect_encoding(content)
        text = content if encoding == "utf-8" else content.decode(encoding).encode()
        refuse_too_many_values(text)
        return super().parse(BytesIO(text))
