"""A task that fails with the words it was given: in its argument, in a local name, in the error and its cause."""

from celery import shared_task
from django.db import connection


@shared_task
def break_down(words: str) -> str:
    said = [words]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", said)
    except Exception as error:
        raise ValueError(words) from error
    return words


@shared_task
def give_back(words: str) -> str:
    return words
