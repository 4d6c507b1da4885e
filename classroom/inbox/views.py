"""The inbox of a student's device over HTTP: docs/contract/http.md, 5b."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.inbox.me import MyHelp
from classroom.inbox.selectors import position_of, read_inbox
from instructors.rest.openapi import documented
from instructors.rest.parameters import query_integer
from lms.api.base import ApiView
from lms.api.notifications import Notification
from lms.api.permissions import StudentTokenRequired
from lms.credential_holders import StudentTokenHolder
from lms.notifications import message_data, notification_data

MAX_WAIT = 25  # seconds

SINCE = OpenApiParameter("since", str, description="`next` of the answer before. Any other text: from the beginning.")
WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
    description="For how many seconds to wait if there is nothing new.",
)


class InstructorMessage(serializers.Serializer[Any]):
    notification_id = serializers.UUIDField(help_text="By which it is marked as read, like a notification.")
    instructor_name = serializers.CharField()
    message = serializers.CharField()
    timestamp = serializers.DateTimeField()


class MyQuestion(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="For the answer, by POST /me/question.")
    asked_at = serializers.DateTimeField()
    until = serializers.DateTimeField(help_text="Not to be shown any longer.")


class InboxAnswer(serializers.Serializer[Any]):
    next = serializers.CharField(help_text="Send it as `since`.")
    notifications = Notification(many=True)
    messages = InstructorMessage(many=True)
    help = MyHelp()
    question = MyQuestion(allow_null=True, help_text="“Are you stuck?”, until it is answered. Null: none.")


class InboxView(ApiView):
    action = "read the inbox"
    token_methods = frozenset({"GET"})
    permission_classes = (StudentTokenRequired,)

    @documented(summary="What a student was told", responses={200: InboxAnswer}, parameters=[SINCE, WAIT])
    def get(self, request: Request) -> Response:
        """Unread notifications and messages of instructors after `since`, at most 100, oldest first and none twice,
        what became of the request for help, and a question to answer. The beginning is 30 days ago. With `wait` the
        answer comes at once if anything is new, else as soon as it is."""
        query_integer(request, "wait", 0, minimum=0, maximum=MAX_WAIT)  # `classroom.sockets.long_poll` has waited
        assert isinstance(self.holder, StudentTokenHolder)
        now = timezone.now()
        position = position_of(self.holder, request.query_params.get("since", ""), now=now)
        inbox = read_inbox(self.holder, position, now=now)
        return Response(
            {
                "next": str(inbox.position),
                "notifications": [notification_data(item) for item in inbox.notifications],
                "messages": [message_data(item) for item in inbox.messages],
                "help": inbox.help.data,
                "question": inbox.question.data if inbox.question else None,
            }
        )
