"""What the server writes to its log while it answers, refuses and fails."""

import hashlib
import time
from pathlib import Path

import jwt
from django.db import connections

from tenants.identity_secrets import make_identity_secret
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import start_server
from tests.stub_model import StubModel
from tests.visitor import Visitor

CANARY = "canary-5a3c91"


def test_log_holds_no_words_tokens_or_keys(cast: Cast, tenant: Tenant, stub_process: StubModel, tmp_path: Path) -> None:
    connection = cast.connection(None, stub_process.url, api_key=f"sk-{CANARY}")
    well = cast.website(tenant, agents=[cast.agent(connection=connection, model="stub;log")])
    broken = cast.website(tenant, agents=[cast.agent(connection=connection, model="stub;fault=401")])
    with tenant_scope(tenant.id):
        secret = make_identity_secret(well)
    path = tmp_path / "log"
    with path.open("wb") as log, start_server(log=log) as server:
        visitor = Visitor(server, well.domain)
        visitor.start(user_id=CANARY, metadata={"page": CANARY})
        assert CANARY in visitor.ask(f"My word is {CANARY}")
        assert (
            visitor.post(f"{CANARY}\ud800".encode(errors="surrogatepass").decode("latin-1"), user_id=7).status_code
            == 400
        )
        unlucky = Visitor(server, broken.domain)
        assert unlucky.post(f"My word is {CANARY}").status_code == 502
        token = visitor.token or ""
        identity = jwt.encode({"sub": CANARY, "exp": time.time() + 300}, secret, algorithm="HS256")
        assert visitor.identify(identity).status_code == 200
        with connections["owner"].cursor() as cursor:  # as if its encryption key were lost
            cursor.execute("UPDATE websites SET identity_secret_sealed = '\\x00' WHERE id = %s", [well.pk])
        assert visitor.identify(identity).status_code == 401
        assert [visitor.log_out().status_code, visitor.messages().status_code] == [200, 403]
        visitor.token = f"st_{CANARY}"
        assert [visitor.messages().status_code, visitor.identify(identity).status_code] == [403, 403]
    written = path.read_text()
    assert "state=failed" in written
    assert "code=model_unavailable reason=credentials_rejected" in written
    assert CANARY not in written
    assert "an identity secret cannot be opened  error=tenants.errors.SealBrokenError  " in written
    hashes = (hashlib.sha256(token.encode()).hexdigest(), repr(hashlib.sha256(token.encode()).digest())[2:-1])
    assert [one for one in (token, token[3:], *hashes, secret, *identity.split(".")) if one in written] == []
