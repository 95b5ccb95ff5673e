"""Settings: every bad or missing value stops the start with a sentence that names it."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import Environment

ROOT = Path(__file__).resolve().parents[2]
KEY = base64.b64encode(b"k" * 32).decode()
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "s" * 64,
    "ENCRYPTION_KEYS": f"1:{KEY}",
    "DATABASE_URL": "postgres://app:secret@db.example/parlour",
    "REDIS_URL": "redis://redis.example/0",
    "PUBLIC_URL": "https://chat.example.com",
    "ALLOWED_HOSTS": "chat.example.com",
}


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import django; django.setup()"]
    clean = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)


def test_production_starts_with_all_of_its_values() -> None:
    assert start(PRODUCTION).returncode == 0


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "DJANGO_SETTINGS_MODULE"])
def test_production_has_no_default_for_what_identifies_it(name: str) -> None:
    result = start({key: value for key, value in PRODUCTION.items() if key != name})
    assert result.returncode != 0
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .startswith(f"django.core.exceptions.ImproperlyConfigured: {name} is missing: it is ")
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "mysql://a:b@c/d", "DATABASE_URL must begin with postgres://"),
        ("DATABASE_URL", "app:secret@db.example/parlour", "DATABASE_URL must begin with postgres://"),
        ("DATABASE_URL", "postgres://app:half/secret@db.example/parlour", "DATABASE_URL cannot be read as"),
        ("DATABASE_URL", "postgres://db.example/parlour", "DATABASE_URL names no user"),
        ("DATABASE_URL", "postgres://app:secret@/parlour", "DATABASE_URL names no host"),
        ("DATABASE_URL", "postgres://app:secret@db.example/", "DATABASE_URL names no database"),
        ("SECRET_KEY", "s" * 31, "SECRET_KEY must have at least 32 characters"),
        ("REDIS_URL", "http://x", "REDIS_URL must begin with redis://"),
        ("PUBLIC_URL", "chat.example.com", "PUBLIC_URL must look like https://chat.example.com"),
        ("PUBLIC_URL", "https://chat.example.com/path", "PUBLIC_URL must look like"),
        ("ENCRYPTION_KEYS", "1:short", "ENCRYPTION_KEYS: key '1'"),
        ("ENCRYPTION_KEYS", f"1:{KEY},1:{KEY}", "ENCRYPTION_KEYS needs a different id"),
        ("CHAT_POOL_SIZE", "many", "CHAT_POOL_SIZE must be a whole number, not 'many'"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be one of json, text, not 'xml'"),
        ("CHAT_POOL_SIZE", "0", "CHAT_POOL_SIZE must lie between 1 and 1000, not 0"),
        ("SECRET_KEY_FILE", "/nowhere/secret", "SECRET_KEY_FILE names /nowhere/secret, which cannot be read"),
    ],
)
def test_bad_value_stops_the_start_with_a_sentence(name: str, value: str, sentence: str) -> None:
    environment = {**PRODUCTION, name: value}
    if name == "SECRET_KEY_FILE":
        del environment["SECRET_KEY"]
    result = start(environment)
    assert result.returncode != 0
    assert sentence in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "url",
    [
        "app:secret@db.example/parlour",
        "postgres://app:half/secret@db.example/parlour",
        "postgres://app:secret@db.example:port/parlour",
        "postgres://:secret@db.example/parlour",
        "postgres://app:[secret@db.example:port/parlour",
    ],
)
def test_complaint_about_a_database_quotes_nothing_of_its_address(url: str) -> None:
    result = start({**PRODUCTION, "DATABASE_URL": url})
    assert result.returncode != 0
    assert [word for word in ("secret", "half", "db.example") if word in result.stderr] == []


def printed(expression: str, **environment: str) -> str:
    """What the production settings hold."""
    command = [sys.executable, "-c", f"from django.conf import settings; print({expression})"]
    clean = {"PATH": os.environ["PATH"], **PRODUCTION, **environment}
    return subprocess.run(command, cwd=ROOT, env=clean, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


# A database that is away is noticed in seconds.
WATCHFUL = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}


def test_options_of_the_database_address_are_kept_beside_the_pool() -> None:
    url = PRODUCTION["DATABASE_URL"] + "?sslmode=verify-full&sslrootcert=/etc/ca.pem"
    assert printed("settings.DATABASES['default']['OPTIONS']", DATABASE_URL=url, ORM_POOL_SIZE="3") == str(
        {
            **WATCHFUL,
            "sslmode": "verify-full",
            "sslrootcert": "/etc/ca.pem",
            "pool": {"min_size": 0, "max_size": 3, "timeout": 5, "reconnect_timeout": 0},
        }
    )


def test_test_settings_drop_the_pool_and_keep_the_other_options() -> None:
    url = PRODUCTION["DATABASE_URL"] + "?sslmode=verify-full"
    roles = {"DATABASE_URL": url, "DATABASE_OWNER_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    assert printed("settings.DATABASES['default']['OPTIONS']", **roles) == str({**WATCHFUL, "sslmode": "verify-full"})


def test_static_files_are_collected_outside_the_development_data() -> None:
    assert printed("settings.STATIC_ROOT") == str(ROOT / "static-files")
    assert printed("settings.STATIC_ROOT", STATIC_ROOT="/srv/static") == "/srv/static"


def test_private_model_hosts_are_lowered() -> None:
    hosts = printed("settings.PRIVATE_MODEL_HOSTS", PRIVATE_MODEL_HOSTS="Models.Internal:8080, 10.0.0.1")
    assert hosts == "['models.internal:8080', '10.0.0.1']"


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://chat.example.com", "https://chat.example.com"),
        ("https://Chat.Example.com/", "https://chat.example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_web_origin_is_a_scheme_a_host_and_perhaps_a_port(given: str, origin: str) -> None:
    assert Environment({"PUBLIC_URL": given}).web_origin("PUBLIC_URL") == origin


@pytest.mark.parametrize(
    "address",
    [
        "ftp://chat.example.com",
        "https://",
        "https://user@chat.example.com",
        "https://user:word@chat.example.com",
        "https://chat.example.com#part",
        "https://chat.example.com?",
        "https://chat.example.com//",
        "https://chat.example.com; script-src *",
        "https://chat.example.com *",
        "https://chat.example.com\n",
        "https://chat.example.com:",
        "https://chat.example.com:port",
        "https://chat.example.com:0",
        "https://chat.example.com:65536",
        "https://chat.example.com:\u0664\u0664\u0663",
        "https://-chat.example.com",
        "https://chat..example.com",
        "https://*.example.com",
        "https://b\u00fccher.example",
        "https://[::1",
        "https://[1:2]",
    ],
)
def test_web_origin_refuses_anything_else(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL must look like"):
        Environment({"PUBLIC_URL": address}).web_origin("PUBLIC_URL")


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    env = Environment({"SECRET_KEY_FILE": str(tmp_path / "secret")})
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE names .*/secret, which is not text in UTF-8"):
        env.text("SECRET_KEY", meaning="a secret")


def test_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    env = Environment({"SECRET_KEY_FILE": str(tmp_path / "secret")})
    assert env.text("SECRET_KEY", meaning="a secret") == "from a file"
    both = Environment({"SECRET_KEY": "plain", "SECRET_KEY_FILE": str(tmp_path / "secret")})
    assert both.text("SECRET_KEY", meaning="a secret") == "plain"


def test_switches_and_lists_are_checked() -> None:
    env = Environment({"ON": "yes", "ODD": "perhaps", "HOSTS": "a, b,,"})
    assert env.boolean("ON", default=False) is True
    assert env.boolean("ABSENT", default=True) is True
    assert env.words("HOSTS") == ["a", "b"]
    with pytest.raises(ImproperlyConfigured, match="ODD must be true or false"):
        env.boolean("ODD", default=False)
    with pytest.raises(ImproperlyConfigured, match="ABSENT is missing"):
        env.words("ABSENT")


def test_command_line_takes_development_settings_unless_told_otherwise() -> None:
    """Whoever runs a command beside ``make run`` names no settings."""
    unnamed = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [
        sys.executable,
        "manage.py",
        "shell",
        "--no-imports",
        "-c",
        "from django.conf import settings; print(settings.SETTINGS_MODULE)",
    ]
    done = subprocess.run(command, cwd=ROOT, env=unnamed, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("config.settings.development", "")
