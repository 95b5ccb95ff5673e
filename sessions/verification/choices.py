"""Staff who slip another tenant's ids into forms: as a foreign key, in a bulk action, in an autocomplete field."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import ForeignKey
from django.urls import reverse

from sessions.verification.client import Reply
from sessions.verification.person import STOLEN, Person, comparable, has_canary, model_pages, row_of, unknown_id
from sessions.verification.report import Report
from sessions.verification.stage import House

WALL: Final = "staff: ids in forms"


def attack_choices(person: Person, victim: House, report: Report) -> None:
    """What is answered to a foreign id must be what is answered to nobody's."""
    for model, pages in model_pages():
        changelist = min(pages, key=len)
        options = model._meta  # noqa: SLF001  Django's documented way to walk fields
        if row_id := row_of(model, victim):
            marked = {"action": "delete_selected", "post": "yes"}
            ask = _posting(person, changelist, marked, "_selected_action")
            _try(f"delete marked rows of {changelist}", ask, row_id, victim, report, person)
        for field in options.concrete_fields:
            if isinstance(field, ForeignKey) and (foreign := row_of(field.related_model, victim)):
                ask = _posting(person, f"{changelist}add/", STOLEN, field.name)
                _try(f"{field.name} of a new {options.model_name}", ask, foreign, victim, report, person)
                named = {"app_label": options.app_label, "model_name": options.model_name, "field_name": field.name}
                _find(named, person, victim, report)


def _posting(person: Person, page: str, fields: dict[str, str], name: str) -> Callable[[str], Reply]:
    return lambda foreign: person.post(page, {**fields, name: foreign})


def _try(name: str, ask: Callable[[str], Reply], foreign: str, victim: House, report: Report, person: Person) -> None:
    nobodys = unknown_id(foreign)
    person.get(reverse("admin:index"))  # which shows what earlier attempts were told, once
    with report.breaking(WALL, name):
        told, unknown = ask(foreign), ask(nobodys)
        if has_canary(told, victim):
            leak = "a canary came back"
        else:
            same = _without(told, foreign) == _without(unknown, nobodys)
            leak = "" if same else f"answered {told.status}, an unknown id {unknown.status}"
        report.note(WALL, f"{name} by {person.name}", leak=leak)


def _find(named: dict[str, Any], person: Person, victim: House, report: Report) -> None:
    """The service behind fields that complete what is typed."""
    name = f"complete {named['field_name']} of {named['model_name']} by {person.name}"
    with report.breaking(WALL, name):
        reply = person.get(f"{reverse('admin:autocomplete')}?{urlencode({**named, 'term': victim.canary})}")
        report.note(WALL, name, leak="a canary came back" if has_canary(reply, victim) else "")


def _without(reply: Reply, asked_for: str) -> tuple[int, str, str]:
    status, location, text = comparable(reply)
    return status, location.replace(asked_for, ""), text.replace(asked_for, "")
