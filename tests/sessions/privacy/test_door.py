import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_door_opens_in_a_plain_interpreter() -> None:
    """Without settings, database or Django loaded."""
    program = (
        "import sys; from sessions.privacy import redact_text, redact_history; "
        "print(redact_text('mail a@b.com').partition('_')[0], "
        "redact_history([{'role': 'user', 'content': 'im sarah'}])[0]['content'].partition('_')[0], "
        "sorted(name for name in sys.modules if name.partition('.')[0] in {'django', 'psycopg', 'redis'}))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "mail [EMAIL im [NAME []\n"
