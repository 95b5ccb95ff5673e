"""The record of looks: one chain a tenant, whoever writes at once; and whoever tampers with it is found out."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections, transaction
from django.db.utils import OperationalError

from sessions import look_verification
from sessions.look_verification import Line, hash_of, verify_record
from sessions.looks import Actor, erase_record, record_look
from sessions.models import Look
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.cast import Cast

ALICE = Actor("7", "alice", "owner", "203.0.113.7")


def look(tenant: Tenant, **fields: Any) -> Look:
    with tenant_scope(tenant.id):
        return record_look(ALICE, Look.Kind.VIEW, **{"subject": "session_one", "count": 2, **fields})


def rows(tenant_id: UUID) -> list[dict[str, Any]]:
    with tenant_scope(tenant_id):
        return [dict(row) for row in Look.objects.order_by("number").values()]


@pytest.fixture
def tenant(cast: Cast) -> Iterator[Tenant]:
    """With five lines in its record, which is taken away afterwards: others verify all records there are."""
    tenant = cast.tenant()
    for number in range(1, 6):
        look(tenant, subject=f"session_{number}")
    yield tenant
    cut(tenant, 0)


def as_owner(statements: str, **values: Any) -> None:
    """With the trigger off: as somebody would who may do everything. ``AT 3`` is the tenant's third line."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE looks DISABLE TRIGGER chain_look")
        try:
            cursor.execute(statements.replace(" AT ", " WHERE tenant_id = %(t)s AND number = "), values)
        finally:
            cursor.execute("ALTER TABLE looks ENABLE TRIGGER chain_look")


def verified(*arguments: str) -> tuple[int, list[str]]:
    """The command's status and what it printed."""
    out = io.StringIO()
    try:
        call_command("verify_looks", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


# Writing


def test_line_holds_what_was_told_and_what_the_database_knows(tenant: Tenant) -> None:
    before = rows(tenant.id)[-1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (began,) = cursor.fetchone()
    written = look(tenant, website="shop.example", reason="A complaint")
    [*_, row] = rows(tenant.id)
    assert row == {
        "id": written.pk,
        "tenant_id": tenant.id,
        "number": 6,
        "created_at": written.created_at,
        "kind": "view",
        "actor_id": "7",
        "actor_name": "alice",
        "actor_role": "owner",
        "subject": "session_one",
        "website": "shop.example",
        "count": 2,
        "reason": "A complaint",
        "address": "203.0.113.7",
        "hash": hash_of(tenant.id, bytes(before["hash"]), line_of(row)),
    }
    assert written.created_at > began > before["created_at"]


def test_number_time_and_hash_are_the_databases_whatever_is_inserted(tenant: Tenant) -> None:
    fields = {"kind": "view", "actor_name": "alice", "actor_role": "owner"}
    with tenant_scope(tenant.id):
        Look.objects.create(tenant=tenant, number=99, hash=b"forged", created_at="2020-01-01T00:00:00Z", **fields)
        Look.objects.bulk_create([Look(tenant=tenant, number=99, hash=b"forged", **fields) for _ in range(2)])
    found = rows(tenant.id)
    assert [row["number"] for row in found] == list(range(1, 9))
    assert found[5]["created_at"] > found[4]["created_at"]
    assert verify_record(tenant.id).broken == ""


@pytest.mark.parametrize("text", ['"quoted\\', "Zoë 🦊 \N{LINE SEPARATOR}", "\x01\t\n\x7f", "", "null", "<b>"])
def test_hash_is_the_same_to_python_and_to_postgresql(tenant: Tenant, text: str) -> None:
    with tenant_scope(tenant.id):
        record_look(Actor(text, text, text[:32], text[:45]), Look.Kind.SEARCH, subject=text, website=text, reason=text)
    assert verify_record(tenant.id).broken == ""


def test_undone_look_leaves_no_gap(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        record_look(ALICE, Look.Kind.VIEW)
        transaction.set_rollback(True)
    look(tenant)
    assert ([row["number"] for row in rows(tenant.id)], verify_record(tenant.id).broken) == ([1, 2, 3, 4, 5, 6], "")


def in_threads(*works: Callable[[], Any]) -> None:
    """All at once, each with connections of its own; what one raises is raised here."""
    barrier, failed = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=30)
            work()
        except BaseException as error:  # noqa: BLE001  a thread has nobody to raise it to
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if failed:
        raise failed[0]


def test_looks_at_once_never_fork_the_chain(cast: Cast) -> None:
    tenants = [cast.tenant(), cast.tenant()]

    def work() -> None:
        for number in range(30):
            look(tenants[number % 2])

    in_threads(*[work] * 6)
    for tenant in tenants:
        found = rows(tenant.id)
        assert [row["number"] for row in found] == list(range(1, 91))
        assert sorted(row["created_at"] for row in found) == [row["created_at"] for row in found]
        assert verify_record(tenant.id).broken == ""


def test_look_waits_for_one_of_the_same_tenant_alone(cast: Cast, tenant: Tenant) -> None:
    other, outcomes = cast.tenant(), dict[str, str]()

    def impatient(name: str, one: Tenant) -> Callable[[], None]:
        def work() -> None:
            try:
                with tenant_scope(one.id):
                    with connection.cursor() as cursor:
                        cursor.execute("SET LOCAL lock_timeout = '300ms'")
                    record_look(ALICE, Look.Kind.VIEW)
            except OperationalError:
                outcomes[name] = "waited"
            else:
                outcomes[name] = "written"

        return work

    with tenant_scope(tenant.id):
        record_look(ALICE, Look.Kind.VIEW)
        in_threads(impatient("same", tenant), impatient("other", other))
    assert outcomes == {"same": "waited", "other": "written"}
    assert (len(rows(tenant.id)), len(rows(other.id))) == (6, 1)


# Verifying


def test_record_that_is_whole_is_told_so(cast: Cast, tenant: Tenant) -> None:
    empty = cast.tenant()
    assert verified("--tenant", tenant.slug) == (0, [f"ok      {tenant.slug}: 5 lines"])
    assert verified("--tenant", empty.slug) == (0, [f"ok      {empty.slug}: 0 lines"])
    status, lines = verified()
    assert (status, {f"ok      {tenant.slug}: 5 lines", f"ok      {empty.slug}: 0 lines"} - set(lines)) == (0, set())


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_record_is_read_in_chunks(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(look_verification, "_ROWS_AT_ONCE", at_once)
    assert (verify_record(tenant.id).lines, verify_record(tenant.id).broken) == (5, "")
    as_owner("UPDATE looks SET reason = 'x' WHERE tenant_id = %(t)s AND number = 4", t=tenant.id)
    assert verify_record(tenant.id).broken.startswith("line 4 ")


def test_lines_written_meanwhile_do_not_disturb(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = look_verification._chunk

    def chunk_and_look(tenant_id: UUID, after: int) -> Any:
        found = chunk(tenant_id, after)
        if after < 8:
            look(tenant)
        return found

    monkeypatch.setattr(look_verification, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(look_verification, "_chunk", chunk_and_look)
    assert verify_record(tenant.id).broken == ""


CHANGED = "line 3 is not what was written, or does not follow the line before it"
CHANGES = [
    "UPDATE looks SET created_at = created_at - interval '1 microsecond' AT 3",
    "UPDATE looks SET id = gen_random_uuid() AT 3",
    "UPDATE looks SET kind = 'search' AT 3",
    "UPDATE looks SET actor_id = '8' AT 3",
    "UPDATE looks SET actor_name = 'bob' AT 3",
    "UPDATE looks SET actor_role = 'admin' AT 3",
    "UPDATE looks SET subject = 'session_2' AT 3",
    "UPDATE looks SET website = 'x' AT 3",
    "UPDATE looks SET count = NULL AT 3",
    "UPDATE looks SET reason = 'x' AT 3",
    "UPDATE looks SET address = '' AT 3",
    "UPDATE looks SET hash = sha256('x') AT 3",
]
DELETED_AND_CLOSED_UP = (
    "DELETE FROM looks AT 3; UPDATE looks SET number = 3 AT 4; UPDATE looks SET number = 4 AT 5;"
    "UPDATE look_heads SET number = 4 WHERE tenant_id = %(t)s"
)
INSERTED = (
    "UPDATE looks SET number = number + 1000 AT ANY (ARRAY[3, 4, 5]);"
    "UPDATE looks SET number = number - 999 AT ANY (ARRAY[1003, 1004, 1005]);"
    "INSERT INTO looks SELECT (jsonb_populate_record(l, jsonb_build_object('number', 3, 'id', gen_random_uuid()))).*"
    " FROM looks l AT 2"
)
INSERTED_AT_THE_END = (
    "INSERT INTO looks SELECT (jsonb_populate_record(l, jsonb_build_object('number', 6, 'id', gen_random_uuid()))).*"
    " FROM looks l AT 5"
)
REORDERED = "UPDATE looks SET number = 1000 AT 3; UPDATE looks SET number = 3 AT 4; UPDATE looks SET number = 4 AT 1000"
TAMPERING = {
    **{change: (change, CHANGED) for change in CHANGES},
    "deleted": ("DELETE FROM looks AT 3", "line 3 is missing: line 4 is in its place"),
    "deleted and closed up": (DELETED_AND_CLOSED_UP, CHANGED),
    "first deleted": ("DELETE FROM looks AT 1", "line 1 is missing: line 2 is in its place"),
    "inserted": (INSERTED, CHANGED),
    "inserted at the end": (
        INSERTED_AT_THE_END,
        "line 6 is not what was written, or does not follow the line before it",
    ),
    "reordered": (REORDERED, CHANGED),
    "last deleted": ("DELETE FROM looks AT 5", "line 5 is missing: 5 lines were written"),
    "last three deleted": ("DELETE FROM looks AT ANY (ARRAY[3, 4, 5])", "line 3 is missing: 5 lines were written"),
    "all deleted": ("DELETE FROM looks WHERE tenant_id = %(t)s", "line 1 is missing: 5 lines were written"),
    "head deleted": (
        "DELETE FROM look_heads WHERE tenant_id = %(t)s",
        "the head is missing: nobody can tell whether lines are",
    ),
    "head changed": (
        "UPDATE look_heads SET hash = sha256('x') WHERE tenant_id = %(t)s",
        "line 5 is not the one that was written last",
    ),
    "head put back": (
        "UPDATE look_heads SET number = 4 WHERE tenant_id = %(t)s",
        "line 5 is not the one that was written last",
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_and_its_first_line_named(tenant: Tenant, how: str) -> None:
    statements, sentence = TAMPERING[how]
    as_owner(statements, t=tenant.id)
    assert verified("--tenant", tenant.slug) == (1, [f"BROKEN  {tenant.slug}: {sentence}"])


def test_last_line_written_anew_with_its_hash_is_found(tenant: Tenant) -> None:
    rewrite(tenant, keep=4)
    forged = [row for row in rows(tenant.id) if row["number"] == 5]
    assert [row["actor_name"] for row in forged] == ["mallory"]
    assert verify_record(tenant.id).broken == "line 5 is not the one that was written last"


def rewrite(tenant: Tenant, *, keep: int, head: bool = False) -> None:
    """All lines after ``keep`` as somebody else's, with hashes that fit; the head as well if asked."""
    found = rows(tenant.id)
    previous = bytes(found[keep - 1]["hash"]) if keep else b""
    for row in found[keep:]:
        row["actor_name"] = "mallory"
        previous = hash_of(tenant.id, previous, line_of(row))
        as_owner(
            "UPDATE looks SET actor_name = 'mallory', hash = %(h)s WHERE tenant_id = %(t)s AND number = %(n)s",
            t=tenant.id,
            n=row["number"],
            h=previous,
        )
    if head:
        as_owner("UPDATE look_heads SET hash = %(h)s WHERE tenant_id = %(t)s", t=tenant.id, h=previous)


def line_of(row: dict[str, Any]) -> Line:
    return Line._make(row["count" if name == "counted" else name] for name in Line._fields)


def cut(tenant: Tenant, keep: int) -> None:
    """The last lines away, and the head put back to fit; with nothing kept also the head."""
    as_owner("DELETE FROM looks WHERE tenant_id = %(t)s AND number > %(n)s", t=tenant.id, n=keep)
    as_owner(
        "UPDATE look_heads h SET number = l.number, hash = l.hash FROM looks l"
        " WHERE l.tenant_id = h.tenant_id AND h.tenant_id = %(t)s AND l.number = %(n)s",
        t=tenant.id,
        n=keep,
    )
    if not keep:
        as_owner("DELETE FROM look_heads WHERE tenant_id = %(t)s", t=tenant.id)


FORGERIES: dict[str, tuple[Callable[[Tenant], None], str]] = {
    "tail and head": (lambda tenant: cut(tenant, 3), "line 4 is missing: 5 lines were there before"),
    "everything": (lambda tenant: cut(tenant, 0), "line 1 is missing: 5 lines were there before"),
    "all hashes anew": (
        lambda tenant: rewrite(tenant, keep=2, head=True),
        "line 5 is another than before, or a line before it is",
    ),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_forgery_that_fits_itself_is_found_against_kept_heads(tenant: Tenant, tmp_path: Path, how: str) -> None:
    file, (forge, sentence) = tmp_path / "heads.json", FORGERIES[how]
    assert verified("--save", str(file), "--tenant", tenant.slug)[0] == 0
    look(tenant)
    assert verified("--against", str(file), "--tenant", tenant.slug)[0] == 0
    cut(tenant, 5)
    forge(tenant)
    assert verified("--tenant", tenant.slug)[0] == 0, "the database alone cannot tell"
    assert verified("--against", str(file), "--tenant", tenant.slug) == (1, [f"BROKEN  {tenant.slug}: {sentence}"])


def test_broken_record_is_not_saved_as_if_it_were_whole(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    as_owner("DELETE FROM looks AT 3", t=tenant.id)
    assert verified("--save", str(file), "--tenant", tenant.slug)[0] == 1
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', '{"x": {"number": 1, "hash": ""}}', None])
def test_file_that_is_none_of_ours_is_refused(tenant: Tenant, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "heads.json"
    if text is not None:
        file.write_text(text)
    assert verified("--against", str(file)) == (2, [])
    assert verified("--tenant", "nobody") == (2, [])


# Erasing a tenant


@contextmanager
def owners_transaction() -> Iterator[Any]:
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        yield cursor


def test_record_of_an_erased_tenant_leaves_one_line_with_the_operator(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    verified("--save", str(file))
    before = rows(OPERATOR_ID)
    with owners_transaction() as cursor:
        assert erase_record(cursor, tenant.id, Actor("", "root", "database owner"), reason="Contract ended") == 5
        cursor.execute("DELETE FROM tenants WHERE id = %s", [tenant.id])
    [line] = rows(OPERATOR_ID)[len(before) :]
    told = {name: line[name] for name in ("kind", "actor_name", "actor_role", "subject", "count", "reason", "website")}
    assert told == {
        "kind": "tenant_erasure",
        "actor_name": "root",
        "actor_role": "database owner",
        "subject": str(tenant.id),
        "count": 5,
        "reason": "Contract ended",
        "website": "",
    }
    assert rows(tenant.id) == []
    assert verified("--against", str(file))[0] == 0


def test_tenant_that_went_in_silence_is_missed(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    verified("--save", str(file))
    cut(tenant, 0)
    with owners_transaction() as cursor:
        cursor.execute("DELETE FROM tenants WHERE id = %s", [tenant.id])
    status, lines = verified("--against", str(file))
    assert (status, lines[-1]) == (
        1,
        f"BROKEN  {tenant.id}: it is gone, and the operator's record does not tell why",
    )


def test_record_is_erased_neither_by_the_application_nor_for_the_operator(tenant: Tenant) -> None:
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with refused, tenant_scope(tenant.id), connection.cursor() as cursor:
        erase_record(cursor, tenant.id, ALICE)
    with pytest.raises(ValueError, match="operator"), owners_transaction() as cursor:
        erase_record(cursor, OPERATOR_ID, ALICE)
    assert (len(rows(tenant.id)), verify_record(OPERATOR_ID).broken) == (5, "")


@pytest.mark.parametrize(
    ("slugs", "left"),
    {
        "a record with other lines before": ([], 7),
        "a tenant with another name": (["never-a-rehearsal"], 2),
        "one that once had another": (["once-a-customer", "isolation-check-aaaaaaaaaaaa"], 2),
        "a rehearsal": (["isolation-check-bbbbbbbbbbbb"], 0),
    }.values(),
)
def test_application_forgets_the_record_of_a_rehearsal_alone(tenant: Tenant, slugs: list[str], left: int) -> None:
    if slugs:
        with tenant_scope(OPERATOR_ID):
            tenant = Tenant.objects.create(name="Tenant", slug=slugs[0])
            Tenant.objects.filter(pk=tenant.pk).update(slug=slugs[-1])
    for _ in range(2):
        with tenant_scope(tenant.id):
            record_look(ALICE, Look.Kind.REHEARSAL)
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT door_forget_rehearsal()")
    assert len(rows(tenant.id)) == left
    assert verify_record(tenant.id).broken == ""
