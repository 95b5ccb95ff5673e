"""The bodies that the API takes and gives. Every text passes the cleaning boundary on its way in."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sessions.cleaning import (
    ID_PATTERN,
    MAX_MESSAGE_BYTES,
    JsonValue,
    UncleanError,
    check_id,
    clean_metadata,
    clean_text,
)
from sessions.errors import InvalidRequestError, TooLargeError
from sessions.identity import MAX_USER_ID_BYTES

_MAX_IDENTITY_BYTES = 4_096


class CleanedField(serializers.Field[Any, Any, Any, Any]):
    """A field whose value is what its cleaning function gives."""

    def __init__(self, clean: Callable[[Any, str], Any], **options: Any) -> None:
        super().__init__(**options)
        self._clean = clean

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self._clean(data, self.field_name or "")
        except UncleanError as error:
            if error.field == self.field_name and error.code == "too_large":
                raise TooLargeError(error.sentence, fields={error.field: error.sentence}) from None
            raise DjangoValidationError(error.sentence) from None

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "pattern": f"^{ID_PATTERN}$"})
class IdField(CleanedField):
    def __init__(self, **options: Any) -> None:
        super().__init__(check_id, **options)


@extend_schema_field({"type": "string", "minLength": 1})
class TextField(CleanedField):
    def __init__(self, *, max_bytes: int, **options: Any) -> None:
        def clean(value: Any, field: str) -> str:
            if not isinstance(value, str):
                raise UncleanError(field, "wrong_type", "This must be a string.")
            return clean_text(value, field=field, max_bytes=max_bytes)

        super().__init__(clean, **options)


@extend_schema_field({"type": "object", "properties": {"website_domain": {"type": "string"}}})
class MetadataField(CleanedField):
    def __init__(self, **options: Any) -> None:
        super().__init__(_metadata, **options)


def _metadata(value: Any, field: str) -> dict[str, JsonValue]:
    metadata = clean_metadata(value, field=field)
    if not isinstance(metadata.get("website_domain"), str | None):
        raise UncleanError(field, "wrong_type", "website_domain must be a string.")
    return metadata


class SessionStartSerializer(serializers.Serializer[Any]):
    session_id = IdField(help_text=f"Made by the browser: {ID_PATTERN}.")
    agent_id = TextField(max_bytes=64, required=False)
    user_id = TextField(max_bytes=MAX_USER_ID_BYTES, required=False)
    metadata = MetadataField(required=False)


class ChatSerializer(SessionStartSerializer):
    message = TextField(max_bytes=MAX_MESSAGE_BYTES)
    message_id = IdField(required=False, help_text="Makes a retry safe: the same id never asks the model twice.")


def validated(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    """The cleaned body. Raises ``InvalidRequestError`` with a sentence for each field that is wrong."""
    if not isinstance(serializer.initial_data, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    if serializer.is_valid():
        return dict(serializer.validated_data)
    fields = {name: str(reasons[0]) for name, reasons in serializer.errors.items()}
    raise InvalidRequestError(fields=fields)


class MessageSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    role = serializers.ChoiceField(choices=["user", "assistant"])
    content = serializers.CharField()
    at = serializers.DateTimeField()
    stopped = serializers.BooleanField(required=False, help_text="true where the visitor stopped it; absent otherwise.")


class UsageSerializer(serializers.Serializer[Any]):
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()


class AnswerSerializer(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    message_id = serializers.CharField()
    agent_id = serializers.CharField()
    message = MessageSerializer(allow_null=True, help_text="null where the turn was stopped before its first word.")
    message_count = serializers.IntegerField()
    demo = serializers.BooleanField()
    usage = UsageSerializer()
    stopped = serializers.BooleanField(required=False, help_text="true where the visitor stopped it; absent otherwise.")


class StopSerializer(serializers.Serializer[Any]):
    message_id = IdField(required=False, help_text="The turn to stop, where it is not the running one.")


class StoppedSerializer(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    message_id = serializers.CharField(allow_null=True)
    stopped = serializers.BooleanField(help_text="Whether a turn was asked to stop; false where none was under way.")


class IdentifySerializer(serializers.Serializer[Any]):
    token = TextField(
        max_bytes=_MAX_IDENTITY_BYTES,
        help_text="A JSON Web Token (HS256), signed with the website's identity secret; `sub` is the user id.",
    )


class IdentifiedSerializer(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    verified = serializers.BooleanField(help_text="Always true: what is not proved is an error.")


class LogoutSerializer(serializers.Serializer[Any]):
    pass


class LoggedOutSerializer(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    logged_out = serializers.BooleanField(help_text="Always true, however often it is asked.")


class SessionStartedSerializer(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    agent_id = serializers.CharField()
    token = serializers.CharField(help_text="Shown this once. Send it as `Authorization: Bearer st_...`.")


class OngoingSerializer(serializers.Serializer[Any]):
    message_id = serializers.CharField()
    state = serializers.ChoiceField(choices=["queued", "running"])
    message = MessageSerializer()


class MessagePageSerializer(serializers.Serializer[Any]):
    messages = MessageSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    ongoing = OngoingSerializer(many=True, help_text="Turns that wait or run; not in `messages` yet.")


class UnansweredSerializer(serializers.Serializer[Any]):
    message_id = serializers.CharField()
    state = serializers.ChoiceField(choices=["queued", "running", "failed", "abandoned", "stopped"])
    message = serializers.CharField()
    partial_reply = serializers.CharField(help_text="What the answer had come to.")
    at = serializers.DateTimeField()


class ExportSerializer(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    website = serializers.CharField()
    origin_host = serializers.CharField()
    agent_id = serializers.CharField()
    user_id = serializers.CharField(allow_null=True)
    user_verified = serializers.BooleanField()
    visitor_ip = serializers.CharField(help_text="Empty where the website does not let it be stored.")
    user_agent = serializers.CharField(help_text="As `visitor_ip`.")
    context = MetadataField(help_text="What the page told of its visitor.")  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    last_activity_at = serializers.DateTimeField()
    access_ended_at = serializers.DateTimeField(allow_null=True)
    message_count = serializers.IntegerField()
    messages = MessageSerializer(many=True, help_text="The whole transcript, oldest first.")
    unanswered = UnansweredSerializer(many=True, help_text="Messages without an answer; not in `messages`.")
    complete = serializers.BooleanField(help_text="Comes last; false where it was erased meanwhile.")


class ErasedSerializer(serializers.Serializer[Any]):
    session_id = serializers.CharField()
    receipt_id = serializers.CharField()
    erased_at = serializers.DateTimeField()
    sessions = serializers.IntegerField()
    messages = serializers.IntegerField()
    turns = serializers.IntegerField()


class LookSerializer(serializers.Serializer[Any]):
    accent = serializers.CharField()
    position = serializers.ChoiceField(choices=["right", "left"])


class WidgetConfigSerializer(serializers.Serializer[Any]):
    agent_id = serializers.CharField()
    agent_name = serializers.CharField()
    website_title = serializers.CharField()
    welcome = serializers.CharField()
    starters = serializers.ListField(child=serializers.CharField())
    look = LookSerializer()
    demo = serializers.BooleanField()


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    status = serializers.IntegerField()
    fields = serializers.DictField(child=serializers.CharField(), required=False)  # type: ignore[assignment]
