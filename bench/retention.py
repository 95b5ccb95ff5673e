"""The retention job as a worker runs it, round after round until nothing is left: ``python -m bench.retention``."""

import django


def main() -> None:
    django.setup()
    from sessions.cleanup import delete_expired_sessions  # noqa: PLC0415  needs Django

    print("begins", flush=True)
    while delete_expired_sessions():
        pass


if __name__ == "__main__":
    main()
