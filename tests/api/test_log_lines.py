"""What the server writes to its log while it answers, refuses and fails."""

from pathlib import Path

from tenants.models import Tenant
from tests.cast import Cast
from tests.live_server import start_server
from tests.stub_model import StubModel
from tests.visitor import Visitor

CANARY = "canary-5a3c91"


def test_log_holds_no_words_tokens_or_keys(cast: Cast, tenant: Tenant, stub_process: StubModel, tmp_path: Path) -> None:
    connection = cast.connection(None, stub_process.url, api_key=f"sk-{CANARY}")
    well = cast.website(tenant, agents=[cast.agent(connection=connection, model="stub;log")])
    broken = cast.website(tenant, agents=[cast.agent(connection=connection, model="stub;fault=401")])
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
        visitor.token = f"st_{CANARY}"
        assert visitor.messages().status_code == 403
    written = path.read_text()
    assert "failed: model_unavailable (credentials_rejected)" in written
    assert CANARY not in written
    assert token not in written
