"""Any real installation. What identifies it or keeps it safe comes from the environment, without a default."""

from pathlib import Path

from config.settings.base import *  # noqa: F403  a settings module is the sum of its base and its own
from config.settings.base import BASE_DIR, env

DEBUG = False
PUBLIC_URL = env.web_origin("PUBLIC_URL")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", meaning="the host names this installation answers to")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

LOCAL_ORIGIN_PORT: int | None = None
DEMO_SITES = False

# TLS ends at the proxy in front, which must set this header and strip it from what comes in.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Both rules are for the pages: the API has no middleware, and the proxy must apply them there (docs/operations.md).
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# Browsers take a __Host- cookie from this very host alone: no neighbour on the same domain can plant one.
SESSION_COOKIE_NAME = "__Host-parlour-session"
CSRF_COOKIE_NAME = "__Host-parlour-csrf"
STATIC_ROOT = Path(
    env.text("STATIC_ROOT", meaning="the folder that collectstatic fills", default=str(BASE_DIR / "static-files"))
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
