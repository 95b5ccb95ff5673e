"""What a browser gets from the widget app: the script, the start page, and the demo shops on their own hosts."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from widget.assembly import assembled_script
from widget.demo_shops import DEMO_SHOPS, DemoShop, demo_shop_at

# Customers' pages name this address for years: a new version reaches them within minutes, at the price of a 304.
SCRIPT_CACHING = "public, max-age=300, stale-while-revalidate=86400"


@require_safe
async def widget_script(request: HttpRequest) -> HttpResponse:
    script = assembled_script()
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(
        script.gzipped if compressed else script.body, content_type="text/javascript; charset=utf-8"
    )
    if compressed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    response["ETag"] = script.etag
    response["Cache-Control"] = SCRIPT_CACHING
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # pages under COEP may embed it too
    return get_conditional_response(request, etag=script.etag, response=response) or response


@require_safe
async def home(request: HttpRequest) -> HttpResponse:
    """The demo shop of this host, in development; else the start page."""
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    shop = demo_shop_at(host) if settings.DEMO_SITES else None
    return _shop_page(request, shop) if shop else _start_page(request)


def _shop_page(request: HttpRequest, shop: DemoShop) -> HttpResponse:
    context = {"site_key": shop.site_key, "parlour": settings.PUBLIC_URL}
    response = render(request, shop.template, context)
    response["Content-Security-Policy"] = _shop_policy()
    return response


def _shop_policy() -> str:
    """As strict as a careful customer's, so that the demos prove the widget works under it."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src 'self'; img-src 'self'; script-src {settings.PUBLIC_URL}; connect-src {settings.PUBLIC_URL}; "
        "require-trusted-types-for 'script'"
    )


def _start_page(request: HttpRequest) -> HttpResponse:
    shops = [(shop, _shop_address(shop)) for shop in DEMO_SHOPS] if settings.DEMO_SITES else []
    return render(request, "home.html", {"shops": shops, "parlour": settings.PUBLIC_URL})


def _shop_address(shop: DemoShop) -> str:
    port = urlsplit(settings.PUBLIC_URL).port
    return f"http://{shop.domain}{f':{port}' if port else ''}/"
