"""`/me/question`: a student's answer, and whether they may be asked (docs/contract/http.md section 5b)."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.questions.models import StuckQuestion
from classroom.questions.selectors import switches_of
from classroom.questions.services import AnsweredBefore, answer, switch
from instructors.rest.exceptions import Conflict
from instructors.rest.fields import RowId
from instructors.rest.openapi import documented
from instructors.rest.parameters import validated
from lms.api.base import ApiView
from lms.api.permissions import StudentTokenRequired
from lms.credential_holders import StudentTokenHolder


class QuestionAnswer(serializers.Serializer[Any]):
    id = RowId(help_text="Of `question` in the inbox.")
    answer = serializers.ChoiceField(StuckQuestion.Answer.choices)


class AnsweredQuestion(serializers.ModelSerializer[StuckQuestion]):
    class Meta:
        model = StuckQuestion
        fields = ["id", "asked_at", "answer", "answered_at"]
        read_only_fields = fields


class MayBeAsked(serializers.Serializer[Any]):
    may_be_asked = serializers.BooleanField()


class MyQuestions(serializers.Serializer[Any]):
    is_on = serializers.BooleanField(help_text="The class asks its students.")
    may_be_asked = serializers.BooleanField(help_text="This student did not switch it off.")


class QuestionView(ApiView):
    action = "answer a question"
    token_methods = frozenset({"POST", "PUT"})
    permission_classes = (StudentTokenRequired,)

    @documented(
        summary="Answer “Are you stuck?”",
        request=QuestionAnswer,
        responses={200: AnsweredQuestion},
        errors=(404, 409),
        example={"id": 1, "answer": "fine"},
    )
    def post(self, request: Request) -> Response:
        """`yes` is no request for help: the client sends that as an event. `never` also switches questions off. An
        answer counts however late it comes, and may be repeated."""
        fields = validated(QuestionAnswer(data=request.data))
        assert isinstance(self.holder, StudentTokenHolder)
        try:
            row = answer(fields["id"], self.holder, answer=fields["answer"], now=timezone.now())
        except StuckQuestion.DoesNotExist:
            raise NotFound(f"Question with id {fields['id']} not found") from None
        except AnsweredBefore:
            raise Conflict("This question was answered before") from None
        return Response(AnsweredQuestion(row).data)

    @documented(
        summary="Switch questions on or off for oneself",
        request=MayBeAsked,
        responses={200: MyQuestions},
        example={"may_be_asked": False},
    )
    def put(self, request: Request) -> Response:
        """In the class of the token. Nobody is asked in a class that does not ask."""
        fields = validated(MayBeAsked(data=request.data))
        assert isinstance(self.holder, StudentTokenHolder)
        switch(self.holder, may_be_asked=fields["may_be_asked"])
        return Response(MyQuestions(switches_of(self.holder)).data)
