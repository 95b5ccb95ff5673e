"""One machine, the database and Redis that ``make run`` started; it writes their addresses into ``.run/env``."""

from pathlib import Path

import environ

environ.Env.read_env(Path(__file__).resolve().parents[2] / ".run" / "env")  # what is set already stays

from config.settings.base import *  # noqa: E402, F403  a settings module is the sum of its base and its own
from config.settings.base import LOGGING, env  # noqa: E402

DEBUG = False  # a traceback in the browser would show what no visitor may see; the console has it
PORT = env.integer("PORT", default=8000, minimum=1, maximum=65535)
PUBLIC_URL = env.web_origin("PUBLIC_URL", default=f"http://localhost:{PORT}")
ALLOWED_HOSTS = ["localhost", ".localhost", "127.0.0.1"]

# http://shop.localhost:PORT stands for https://shop.localhost here: browsers resolve *.localhost by themselves.
LOCAL_ORIGIN_PORT: int | None = PORT
DEMO_SITES = True
SHUTDOWN_GRACE_SECONDS = env.integer("SHUTDOWN_GRACE_SECONDS", default=3, minimum=2)  # honcho kills after 5
PRIVATE_MODEL_HOSTS = env.host_names("PRIVATE_MODEL_HOSTS", default=["localhost", "127.0.0.1"])
LOGGING = {**LOGGING, "format": env.choice("LOG_FORMAT", ("json", "text"), default="text")}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
