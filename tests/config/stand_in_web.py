"""``python -m tests.config.stand_in_web PORT``: is ready at once, has a child, and says on SIGTERM what still runs."""

import http.server
import os
import signal
import subprocess
import sys
import types

import psycopg


class ReadyHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main(port: int) -> None:
    subprocess.Popen(["sleep", "1000"])

    def stop(_number: int, _frame: types.FrameType | None) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            row = connection.execute("SELECT current_user").fetchone()
        print("stopping, database says", row, flush=True)  # noqa: T201
        sys.exit(0)  # and leaves its child alone

    signal.signal(signal.SIGTERM, stop)
    http.server.ThreadingHTTPServer(("127.0.0.1", port), ReadyHandler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
