"""Pages under their own Content-Security-Policy in a real browser: nothing is refused, and everything works."""

import re

import pytest
from playwright.async_api import BrowserContext, ConsoleMessage, Page, expect

from tests.admin.shops import Shop, make_shop
from tests.browser.conftest import LiveSite, NewContext
from tests.cast import Cast
from tests.live_server import LiveServer

pytestmark = pytest.mark.browser


class Complaints:
    """What the browser's console said of a page: violations and errors."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def listen(self, page: Page) -> None:
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.heard.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.heard.append(message.text)


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
async def page(new_context: NewContext, complaints: Complaints) -> Page:
    context: BrowserContext = await new_context()
    page = await context.new_page()
    complaints.listen(page)
    return page


@pytest.fixture
def shop(cast: Cast) -> Shop:
    shop = make_shop(cast, "Alpha")
    cast.let_log_in(shop.owner, "a long password")
    return shop


async def log_in(page: Page, site: str, name: str) -> None:
    await page.goto(f"{site}/admin/login/")
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill("a long password")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.locator("#content")).to_contain_text("Tenant Alpha")


async def test_admin_pages_keep_to_the_policy(
    server: LiveServer, shop: Shop, page: Page, complaints: Complaints
) -> None:
    site = f"http://localhost:{server.port}"
    await log_in(page, site, shop.owner.username)
    addresses = [
        f"{model}/{view}"
        for model in ("tenants/website", "agents/agent", "agents/modelconnection", "tenants/invitation")
        for view in ("", "add/")
    ]
    addresses += ["tenants/membership/", "agent_sessions/agentsession/", "password_change/"]
    for address in [*(f"{site}/admin/{one}" for one in addresses), *(f"{site}{one}" for one in shop.pages().values())]:
        response = await page.goto(address)
        assert response is not None
        assert (response.status, "frame-ancestors 'none'" in response.headers["content-security-policy"]) == (200, True)
    for action in ("delete/", "history/"):
        await page.goto(f"{site}{shop.pages()['connection']}{action}")
    assert complaints.heard == []


async def test_admins_scripts_work_under_the_policy(
    server: LiveServer, shop: Shop, page: Page, complaints: Complaints
) -> None:
    """Django's inlines, the slug that follows the name, filters, the theme, and our copy button."""
    site = f"http://localhost:{server.port}"
    await log_in(page, site, shop.owner.username)
    await page.goto(f"{site}{shop.pages()['website']}change/")
    await page.locator(".add-row a").click()
    await expect(page.locator(".inline-related.last-related").nth(0)).to_be_visible()
    await page.locator("[data-copies]").first.click()
    await expect(page.locator("[data-copies]").first).to_have_text(re.compile("Copied|Press Ctrl"))
    theme = page.locator("html")
    before = await theme.get_attribute("data-theme")
    await page.locator(".theme-toggle").first.click()
    await expect(theme).not_to_have_attribute("data-theme", before or "")
    await page.goto(f"{site}/admin/agent_sessions/agentsession/")
    await page.locator("#changelist-filter summary").first.click()
    assert complaints.heard == []


async def test_invitation_is_opened_by_its_link_and_the_token_leaves_the_address(
    server: LiveServer, shop: Shop, page: Page, complaints: Complaints, new_context: NewContext
) -> None:
    site = f"http://localhost:{server.port}"
    await log_in(page, site, shop.owner.username)
    await page.goto(f"{site}/admin/tenants/invitation/add/")
    await page.get_by_label("Role").select_option("auditor")
    await page.get_by_role("button", name="Save", exact=True).click()
    link = await page.locator("#invitation-link").inner_text()
    assert link.startswith(f"{site}/invitation/#it_")
    guest = await (await new_context()).new_page()
    complaints.listen(guest)
    sent: list[str] = []
    guest.on("request", lambda request: sent.append(request.url + str(request.headers)))
    await guest.goto(link)
    await expect(guest.get_by_role("heading", name="Join Tenant Alpha")).to_be_visible()
    assert guest.url == f"{site}/invitation/"
    token = link.partition("#")[2]
    # The browser's own view of a request keeps the fragment of the address that was typed; the server is sent none.
    assert [one for one in sent if token in one.replace(f"#{token}", "")] == []
    await guest.get_by_label("Username").fill(f"guest-{shop.tenant.slug}")
    await guest.get_by_label("Password", exact=False).first.fill("seven wet horses")
    await guest.get_by_label("Password confirmation").fill("seven wet horses")
    await guest.get_by_role("button", name="Join").click()
    await expect(guest.locator(".role")).to_have_text("Auditor")
    assert await guest.evaluate("history.length") <= 5
    assert complaints.heard == []


async def test_start_page_and_demo_shops_keep_to_their_policies(
    live_site: LiveSite, page: Page, complaints: Complaints
) -> None:
    for address in (f"{live_site.base_url}/", live_site.bakery, live_site.bicycles):
        response = await page.goto(address)
        assert response is not None
        assert "default-src 'none'" in response.headers["content-security-policy"]
    await expect(page.locator("parlour-widget")).to_be_attached()
    assert complaints.heard == []
