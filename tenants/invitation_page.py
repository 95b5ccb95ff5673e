"""Accepting an invitation. Its link is ``/invitation/#<token>``.

What follows ``#`` stays in the browser: no server, proxy log or Referer ever has it. A script on the page posts it once
and takes it off the address; from then on the login session remembers its hash, also while its owner logs in.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from tenants.admin_scope import CHOSEN_TENANT, author_behind
from tenants.authors import writing_as
from tenants.errors import AlreadyMemberError, InvitationUnusableError
from tenants.invitations import OpenInvitation, accept_as, accept_as_new_person, hash_token, open_invitation
from tenants.throttle import Throttle, network_behind

_REMEMBERED: Final = "invitation"
_TRIES_OF_LINKS: Final = Throttle("invitation", most=30, seconds=15 * 60)
_TRIES_OF_NAMES: Final = Throttle("sign-up", most=10, seconds=15 * 60)
"""With one invitation. A name that is taken is refused, so that names could be guessed here."""

if TYPE_CHECKING:  # generic for the type checker alone
    _UserCreationForm = UserCreationForm[User]
else:
    _UserCreationForm = UserCreationForm


class NewPersonForm(_UserCreationForm):
    """A name and a password of one's own."""

    def clean_username(self) -> str:
        """Compared without regard to case: nobody shall pass for somebody else."""
        username: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError("Please choose another name.")
        return username


def _with_invitation(
    view: Callable[[HttpRequest, OpenInvitation], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The door: finds the invitation that the session remembers. One page answers whatever is wrong with it."""

    @wraps(view)
    def opened(request: HttpRequest) -> HttpResponse:
        try:
            invitation = open_invitation(bytes.fromhex(request.session.get(_REMEMBERED, "")))
            return view(request, invitation)
        except InvitationUnusableError as error:
            return _page(request, status=HTTPStatus.NOT_FOUND, sentence=str(error))

    return never_cache(opened)


@require_safe
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """What the session remembers; without anything, the page whose script looks behind the ``#``."""
    if _REMEMBERED not in request.session:
        return _page(request, status=HTTPStatus.OK)
    return _offer_remembered(request)


@_with_invitation
def _offer_remembered(request: HttpRequest, invitation: OpenInvitation) -> HttpResponse:
    return _offer(request, invitation)


@sensitive_post_parameters("token")
@require_POST
@never_cache
def open_link(request: HttpRequest) -> HttpResponse:
    """Takes the token out of the link, and goes on without it."""
    network = network_behind(request)
    if (seconds := _TRIES_OF_LINKS.take(network)) is not None:
        return _too_many(request, seconds)
    token_hash = hash_token(request.POST.get("token", ""))
    try:
        open_invitation(token_hash)
    except InvitationUnusableError as error:
        request.session.pop(_REMEMBERED, None)
        return _page(request, status=HTTPStatus.NOT_FOUND, sentence=str(error))
    _TRIES_OF_LINKS.clear(network)  # whoever holds a link is not guessing
    request.session[_REMEMBERED] = token_hash.hex()
    return HttpResponseRedirect(reverse("invitation"))


@require_POST
@_with_invitation
def join(request: HttpRequest, invitation: OpenInvitation) -> HttpResponse:
    """Makes the person who is logged in a member."""
    person = _person(request)
    if person is None or person.is_superuser:
        return HttpResponseRedirect(reverse("invitation"))
    try:
        with writing_as(author_behind(request, invitation.role)):
            accept_as(person, invitation)
    except AlreadyMemberError as error:
        return _page(request, status=HTTPStatus.CONFLICT, sentence=str(error), enter=True)
    return _enter(request, invitation)


@sensitive_post_parameters("password1", "password2")
@require_POST
@_with_invitation
def sign_up(request: HttpRequest, invitation: OpenInvitation) -> HttpResponse:
    """Makes a login for somebody new, a member of that tenant alone."""
    if _person(request) is not None:
        return HttpResponseRedirect(reverse("invitation"))
    if (seconds := _TRIES_OF_NAMES.take(str(invitation.invitation_id))) is not None:
        return _too_many(request, seconds)
    form = NewPersonForm(request.POST)
    if not form.is_valid():
        return _offer(request, invitation, form)
    try:
        with writing_as(author_behind(request, invitation.role, form.cleaned_data["username"])):
            user = accept_as_new_person(form.cleaned_data["username"], form.cleaned_data["password1"], invitation)
    except IntegrityError:  # the same name at the same moment
        form.add_error("username", "Please choose another name.")
        return _offer(request, invitation, form)
    login(request, user)
    return _enter(request, invitation)


def _person(request: HttpRequest) -> User | None:
    """Who is logged in; somebody whom the operator switched off is nobody, and no invitation changes that."""
    user = request.user
    return user if isinstance(user, User) and user.is_active and user.is_staff else None


def _enter(request: HttpRequest, invitation: OpenInvitation) -> HttpResponse:
    request.session.pop(_REMEMBERED, None)
    request.session[CHOSEN_TENANT] = str(invitation.tenant_id)
    return HttpResponseRedirect(reverse("admin:index"))


def _offer(request: HttpRequest, invitation: OpenInvitation, form: NewPersonForm | None = None) -> HttpResponse:
    status = HTTPStatus.OK if form is None else HTTPStatus.BAD_REQUEST
    return _page(request, status=status, invitation=invitation, form=form or NewPersonForm(), person=_person(request))


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    sentence = f"Too many tries. Please wait {-(-seconds // 60)} minutes, then open your link again."
    response = _page(request, status=HTTPStatus.TOO_MANY_REQUESTS, sentence=sentence)
    response["Retry-After"] = str(seconds)
    return response


def _page(request: HttpRequest, *, status: HTTPStatus, **context: Any) -> HttpResponse:
    shown = {**admin.site.each_context(request), "title": "Invitation", **context}
    return render(request, "invitation.html", shown, status=status)
