"""Why a visitor's request gets no answer. Each error has its stable code and status; ``message`` is for people.

RequestError                          400..504, ``code``, ``message``, perhaps ``fields`` and ``retry_after_seconds``
|-- InvalidRequestError               400 invalid_request
|-- ApiKeyInvalidError                401 api_key_invalid
|-- NotFoundError                     404 not_found
|-- MethodNotAllowedError             405 method_not_allowed
|-- NotAcceptableError                406 not_acceptable
|-- TooLargeError                     413 too_large
|-- UnsupportedMediaTypeError         415 unsupported_media_type
|-- OriginRefusedError                403 origin_not_allowed
|-- WebsiteSwitchedOffError           403 website_inactive
|-- WebsiteDomainMismatchError        403 website_domain_mismatch
|-- ScopeMissingError                 403 scope_missing
|-- SessionTokenRequiredError         403 session_token_required
|-- SessionTokenInvalidError          403 session_token_invalid
|-- IdentityInvalidError              401 identity_invalid
|-- RequestTooSlowError               408 request_too_slow
|-- SessionExistsError                409 session_exists
|-- IdentityMismatchError             409 identity_mismatch
|-- AgentMismatchError                409 agent_mismatch
|-- ErasureHeldError                  409 erasure_held
|-- MessageIdReusedError              409 message_id_reused
|-- TurnInProgressError               409 turn_in_progress
|-- TooManyError                      429
|   |-- RateLimitedError                  rate_limited
|   `-- QuotaExceededError                quota_exceeded
|-- InternalError                     500 internal_error
|-- ModelDownError                    502 model_unavailable
|   |-- ModelBusyError                    too many ask it, or it failed too often
|   |-- AnswerRefusedError                it will not answer this
|   `-- AnswerTooLongError
|-- OverloadedError                   503 overloaded
|   |-- TurnInterruptedError              the process or the lease went; the same message may be sent again
|   |-- TooManyWaitingError               in one session
|   `-- RecordsAwayError                  the database is out of reach
`-- ModelSlowError                    504 model_timeout
"""

from typing import Final

from tenants.errors import ParlourError


class RequestError(ParlourError):
    """Root of all refusals that a visitor may see; nothing internal is in them."""

    status = 500
    code = "internal_error"
    sentence = "Something went wrong on our side. Please try again."
    retry_after_seconds: int | None = None

    def __init__(self, message: str = "", *, fields: dict[str, str] | None = None) -> None:
        self.message = message or self.sentence
        self.fields = fields
        super().__init__(self.message)


class InvalidRequestError(RequestError):
    status, code, sentence = 400, "invalid_request", "The request is not valid."


class ApiKeyInvalidError(RequestError):
    """Unknown, revoked, expired, misspelt, or a suspended tenant's: the answer is the same."""

    status, code, sentence = 401, "api_key_invalid", "This API key does not work."


class NotFoundError(RequestError):
    status, code, sentence = 404, "not_found", "There is nothing at this address."


class MethodNotAllowedError(RequestError):
    status, code, sentence = 405, "method_not_allowed", "This address does not take this method."


class NotAcceptableError(RequestError):
    status, code, sentence = 406, "not_acceptable", "Answers come as application/json or text/event-stream."


class RequestTooSlowError(RequestError):
    status, code, sentence = 408, "request_too_slow", "The request did not arrive in time. Please send it again."


class TooLargeError(RequestError):
    status, code, sentence = 413, "too_large", "The request is larger than 64 KB."


class UnsupportedMediaTypeError(RequestError):
    status, code, sentence = 415, "unsupported_media_type", "Send the body as application/json."


class OriginRefusedError(RequestError):
    status, code, sentence = 403, "origin_not_allowed", "This website is not registered for chat."


class WebsiteSwitchedOffError(RequestError):
    status, code, sentence = 403, "website_inactive", "Chat is switched off on this website."


class WebsiteDomainMismatchError(RequestError):
    status, code = 403, "website_domain_mismatch"
    sentence = "website_domain names another website than the request came from."


class ScopeMissingError(RequestError):
    status, code = 403, "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The API key lacks the scope {scope}.")


class SessionTokenRequiredError(RequestError):
    status, code = 403, "session_token_required"
    sentence = "This session needs its token: start one with POST /api/v1/sessions/ and send it as a Bearer token."


class SessionTokenInvalidError(RequestError):
    status, code = 403, "session_token_invalid"
    sentence = "The token does not open this session, or no longer does: start a new session."


class IdentityInvalidError(RequestError):
    """Why is not told: it would help to forge one."""

    status, code, sentence = 401, "identity_invalid", "The identity token is not valid on this website."


class SessionExistsError(RequestError):
    status, code, sentence = 409, "session_exists", "A session with this id exists already."


class IdentityMismatchError(RequestError):
    status, code = 409, "identity_mismatch"
    sentence = "This session belongs to another user: log out, and start a new session."


class AgentMismatchError(RequestError):
    status, code, sentence = 409, "agent_mismatch", "This session belongs to another agent."


class ErasureHeldError(RequestError):
    status, code, sentence = (
        409,
        "erasure_held",
        "This conversation may not be deleted at present. Please ask the website.",
    )


class MessageIdReusedError(RequestError):
    status, code, sentence = 409, "message_id_reused", "This message_id was used for another message."


class TurnInProgressError(RequestError):
    status, code, retry_after_seconds = 409, "turn_in_progress", 1
    sentence = "The previous message is still being answered."


class TooManyError(RequestError):
    """Asked too often or too much; ``headers`` go out with the answer."""

    status = 429

    def __init__(self, message: str, retry_after_seconds: int, headers: dict[str, str]) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers


_TOO_FAST: Final = {
    "session": "You are writing very fast. Please wait a moment.",
    "network": "Many messages come from your network right now. Please try again in a moment.",
    "tenant": "Many people are chatting here right now. Please try again in a moment.",
}


class RateLimitedError(TooManyError):
    """``limit`` is ``session``, ``network`` or ``tenant``."""

    code = "rate_limited"

    def __init__(self, limit: str, retry_after_seconds: int, headers: dict[str, str]) -> None:
        super().__init__(_TOO_FAST[limit], retry_after_seconds, headers)
        self.limit = limit


class QuotaExceededError(TooManyError):
    """A day's budget is spent; ``message`` is the website owner's, where there is one."""

    code, sentence = "quota_exceeded", "The assistant has answered all it can for today. Please come back tomorrow."


class InternalError(RequestError):
    pass


class ModelDownError(RequestError):
    status, code, sentence = 502, "model_unavailable", "The assistant cannot answer right now. Please try again."


class ModelBusyError(ModelDownError):
    sentence = "The assistant is very busy right now. Please try again in a minute."


class AnswerRefusedError(ModelDownError):
    sentence = "The assistant cannot answer this message. Please put it another way."


class AnswerTooLongError(ModelDownError):
    sentence = "The answer would have become too long. Please ask for less at once."


class OverloadedError(RequestError):
    status, code, retry_after_seconds = 503, "overloaded", 2
    sentence = "Too many people are chatting right now. Please try again in a moment."


class TurnInterruptedError(OverloadedError):
    retry_after_seconds = 1
    sentence = "The answer was interrupted. Please send the message again."


class TooManyWaitingError(OverloadedError):
    sentence = "Too many messages are waiting in this conversation. Please wait for the answers."


class RecordsAwayError(OverloadedError):
    retry_after_seconds = 3
    sentence = "We cannot reach our records right now. Please try again in a moment."


class ModelSlowError(RequestError):
    status, code, sentence = 504, "model_timeout", "The assistant took too long to answer. Please try again."


_BY_CODE: Final = {kind.code: kind for kind in (ModelDownError, ModelSlowError, OverloadedError, TurnInProgressError)}
_BY_REASON: Final = {
    "rate_limited": ModelBusyError,
    "breaker_open": ModelBusyError,
    "answer_refused": AnswerRefusedError,
    "answer_too_long": AnswerTooLongError,
    "tokens_spent": AnswerTooLongError,
}


def error_of_turn(code: str, reason: str) -> RequestError:
    """The error that a turn failed with, by the code and the reason that are stored of it."""
    kind: type[RequestError] = _BY_REASON.get(reason) or _BY_CODE.get(code) or InternalError
    return kind()
