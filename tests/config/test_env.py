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
        ("REDIS_URL", "http://x", "REDIS_URL must begin with redis://"),
        ("PUBLIC_URL", "chat.example.com", "PUBLIC_URL must look like https://chat.example.com"),
        ("PUBLIC_URL", "https://chat.example.com/path", "PUBLIC_URL must look like"),
        ("ENCRYPTION_KEYS", "1:short", "ENCRYPTION_KEYS: key '1'"),
        ("ENCRYPTION_KEYS", f"1:{KEY},1:{KEY}", "ENCRYPTION_KEYS needs a different id"),
        ("CHAT_POOL_SIZE", "many", "CHAT_POOL_SIZE must be a whole number, not 'many'"),
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
