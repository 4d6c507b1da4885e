"""`POST /me/page`: a one-time code for the student's own page (docs/contract/http.md section 5b)."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.privacy.access import CODE_SECONDS, FAILURES, CodesUnavailable, Subject, make_code
from instructors.lockout import client_of
from instructors.rest.exceptions import ServiceUnavailable
from instructors.rest.openapi import documented
from instructors.throttles import remember_client
from lms.api.base import ApiView
from lms.api.permissions import StudentTokenRequired
from lms.credential_holders import StudentTokenHolder


class PageCode(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="To be typed on the page.")
    url = serializers.CharField(help_text="The page; the code stands after `#`, which no browser sends.")
    expires_in = serializers.IntegerField(help_text="Seconds.")


class PageView(ApiView):
    action = "make a code for the own page"
    token_methods = frozenset({"POST"})
    permission_classes = (StudentTokenRequired,)

    @documented(summary="A one-time code for the student's own page", request=None, responses={201: PageCode})
    def post(self, request: Request) -> Response:
        """The page shows what is stored of the student, progress and feedback, gives a copy, and takes a request for
        erasure. The code works once, for 15 minutes."""
        holder = self.holder
        assert isinstance(holder, StudentTokenHolder)
        subject = Subject(student_id=holder.student_id, class_id=holder.class_id, token_id=holder.token_id)
        try:
            code = make_code(subject)
        except CodesUnavailable:
            raise ServiceUnavailable("Codes cannot be made at the moment: try again soon") from None
        remember_client(FAILURES, client_of(request), target=holder.class_id)
        page = request.build_absolute_uri(reverse("own_page"))
        return Response(PageCode({"code": code, "url": f"{page}#{code}", "expires_in": CODE_SECONDS}).data, status=201)
