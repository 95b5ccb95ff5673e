"""Static files over the real server: whole, in part, and not again where the browser has them."""

from pathlib import Path

from django.contrib.staticfiles import finders

from tests.live_server import LiveServer

ADDRESS = "/static/admin/css/base.css"


def test_static_file_is_served_whole_in_part_and_once(server: LiveServer) -> None:
    content = Path(str(finders.find("admin/css/base.css"))).read_bytes()
    whole = server.http.get(ADDRESS)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["Content-Type"] == 'text/css; charset="utf-8"'
    part = server.http.get(ADDRESS, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, content[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(content)}"
    head = server.http.head(ADDRESS)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(content)))
    again = server.http.get(ADDRESS, headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert server.http.post(ADDRESS).status_code == 405
    assert server.http.get("/static/admin/css/../../../manage.py").status_code == 404
