"""Values of a policy, with the bounds that forms and tables hold them to."""

from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

Choices = list[tuple[str, str]]

MOST_TURNS_PER_MINUTE: Final = 1_000_000
MOST_TURNS_PER_DAY: Final = 1_000_000_000
MOST_TOKENS_PER_DAY: Final = 1_000_000_000_000
MOST_TOKEN_IDLE_DAYS: Final = 365
MOST_TOKEN_LIFETIME_DAYS: Final = 730
MOST_RETENTION_DAYS: Final = 3650
MOST_SILENCE_HOURS: Final = 8760


def limit(default: int, verbose_name: str, help_text: str) -> "models.PositiveIntegerField[int, int]":
    """Turns a minute."""
    return models.PositiveIntegerField(
        verbose_name,
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TURNS_PER_MINUTE)],
        help_text=help_text,
    )


def budget(most: int, verbose_name: str, help_text: str) -> "models.PositiveBigIntegerField[int | None, int | None]":
    """So many a day; NULL is as many as there are."""
    return models.PositiveBigIntegerField(
        verbose_name,
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(most)],
        help_text=help_text,
    )


def within(name: str, field: str, most: int) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__range": (1, most)}), name=name)


def days_kept(verbose_name: str, help_text: str, **more: Any) -> "models.PositiveIntegerField[Any, Any]":
    return models.PositiveIntegerField(
        verbose_name,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RETENTION_DAYS)],
        help_text=help_text,
        **more,
    )


def silence_hours(**more: Any) -> "models.PositiveIntegerField[Any, Any]":
    return models.PositiveIntegerField(
        "hours of silence",
        validators=[MinValueValidator(1), MaxValueValidator(MOST_SILENCE_HOURS)],
        **more,
    )


def one_of(name: str, field: str, choices: Choices) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": [value for value, _ in choices]}), name=name)


def some_of(name: str, field: str, choices: Choices) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__contained_by": [one for one, _ in choices]}), name=name)
