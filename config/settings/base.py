"""What every installation shares. A missing or bad value of the environment stops the start with a sentence."""

import os
from pathlib import Path
from typing import Any

from celery.schedules import crontab

from config.env import Environment

BASE_DIR = Path(__file__).resolve().parents[2]
env = Environment(os.environ)

SECRET_KEY = env.text("SECRET_KEY", meaning="a long random text, the same in every process", minimum_length=32)
ENCRYPTION_KEYS = env.encryption_keys("ENCRYPTION_KEYS")
REDIS_URL = env.redis_url("REDIS_URL")

# ``default`` is the application's role; ``owner`` is the one that migrates, absent where only serving happens.
_app = env.database("DATABASE_URL", meaning="the application's database, postgres://user:password@host/name")
# A database that is away is noticed in seconds, by pages, jobs and chat alike. In whole seconds, but for the last.
_link = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,  # milliseconds
}
_pool = {
    "min_size": 0,
    "max_size": env.integer("ORM_POOL_SIZE", default=2, minimum=1),
    "timeout": 5,
    "reconnect_timeout": 0,  # seconds that it goes on by itself; the next page tries anew
}
DATABASES: dict[str, Any] = {
    "default": {
        **_app,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a transaction-mode PgBouncer cannot keep them
        "OPTIONS": {**_link, **_app.get("OPTIONS", {}), "pool": _pool},
        "CONN_HEALTH_CHECKS": True,
    }
}
if env.optional("DATABASE_OWNER_URL"):
    DATABASES["owner"] = env.database("DATABASE_OWNER_URL", meaning="the same database as its owner")
DATABASE_ROUTERS = ["tenants.scoping.TenantRouter"]

CHAT_POOL_SIZE = env.integer("CHAT_POOL_SIZE", default=6, minimum=1, maximum=1000)
DOOR_CACHE_SECONDS = env.integer("DOOR_CACHE_SECONDS", default=5, maximum=60)
# After this long without a renewal a turn's owner is taken for dead. Shorter than widgets go on trying.
TURN_LEASE_SECONDS = env.integer("TURN_LEASE_SECONDS", default=20, minimum=2, maximum=300)
# A message waits so long for those before it in its session, and a request for JSON for a turn that another one began.
TURN_WAIT_SECONDS = env.integer("TURN_WAIT_SECONDS", default=60, minimum=1, maximum=600)
# From SIGTERM on, turns have so long to end; what is left is let go, for another process to run again.
SHUTDOWN_GRACE_SECONDS = env.integer("SHUTDOWN_GRACE_SECONDS", default=20, minimum=2, maximum=600)
# A request's body, of at most 64 KB, must have come within this time.
BODY_SECONDS = env.integer("BODY_SECONDS", default=30, minimum=1, maximum=300)
MAX_TURNS_IN_FLIGHT = env.integer("MAX_TURNS_IN_FLIGHT", default=1000, minimum=1)
PRIVATE_MODEL_HOSTS = env.host_names("PRIVATE_MODEL_HOSTS", default=[])
# How many proxies of ours a request passes, each of which adds an entry to X-Forwarded-For.
TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", default=0, maximum=10)

# The demo agent's model, where there is a key for one.
OPENAI_API_KEY = env.optional("OPENAI_API_KEY")
OPENAI_BASE_URL = env.text(
    "OPENAI_BASE_URL", meaning="the address of an OpenAI-compatible API", default="https://api.openai.com/v1"
)
OPENAI_MODEL = env.text("OPENAI_MODEL", meaning="the name of a model at OPENAI_BASE_URL", default="gpt-5-mini")

INSTALLED_APPS = [
    "tenants",
    "agents",
    "sessions",
    "widget",
    "sessions.admin_app.ParlourAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "pgtrigger",
    "pghistory",
]

# One after the other also within a transaction.
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"

# The pages' chain. The API has none: config/asgi.py says why.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tenants.content_policy.ContentPolicyMiddleware",
    "config.static_files.StaticFilesMiddleware",
    "tenants.away.DatabaseAwayMiddleware",
    "tenants.staff_session.StaffSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.admin_scope.AdminScopeMiddleware",
    "tenants.stale_form.StaleFormMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.admin_scope.active_tenant_context",
            ],
            "builtins": ["tenants.templatetags.tenant_forms"],
        },
    }
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".run" / "static"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 12 * 3600  # without a request; tenants/staff_session.py renews it
SESSION_COOKIE_HTTPONLY = True
# Strict would show the login page to staff who follow a link from a mail, and break the forms of their other tabs.
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # not in a third cookie
CSRF_COOKIE_HTTPONLY = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["sessions.api.parsing.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Parlour",
    "VERSION": "1",
    "DESCRIPTION": (
        "Chat with an agent from a registered website. The browser's Origin header names the website; a website's own"
        " server sends no Origin but an API key, and names the website by website_domain."
    ),
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "sessionToken": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "st_...",
                "description": "Of a session that was started with POST /api/v1/sessions/, for browsers.",
            },
            "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "sk_...",
                "description": "For websites' own servers; refused together with an Origin.",
            },
        }
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
}

LOGGING_CONFIG = "config.logs.configure"
LOGGING = {
    "level": env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO"),
    "format": env.choice("LOG_FORMAT", ("json", "text"), default="json"),
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True  # and there is no backend for any: what a task found stays in no other store
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "sessions.tasks.record_heartbeat", "schedule": 10.0, "options": {"expires": 10}},
    "abandon-lapsed-turns": {
        "task": "sessions.tasks.abandon_lapsed_turns",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    # What staff ask for is begun at once; this goes on with what a worker left that died, or never heard of.
    "run-erasures": {"task": "sessions.tasks.run_erasures", "schedule": 60.0, "options": {"expires": 60}},
    "flush-refused-origins": {
        "task": "sessions.tasks.flush_refused_origins",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "recheck-domains": {
        "task": "tenants.tasks.recheck_domains",
        "schedule": crontab(minute="43"),
        "options": {"expires": 3600},
    },
    "redact-sessions": {
        "task": "sessions.tasks.redact_sessions",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "forget-old-turns": {
        "task": "sessions.tasks.forget_old_turns",
        "schedule": crontab(minute="29"),
        "options": {"expires": 3600},
    },
    "delete-expired-sessions": {
        "task": "sessions.tasks.delete_expired_sessions",
        "schedule": crontab(minute="17"),
        "options": {"expires": 3600},
    },
}
