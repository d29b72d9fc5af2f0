"""The web interface against other pages of the same browser: real requests to Dagster's webserver behind the guard."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import psycopg2
import pytest
from psycopg2 import sql
from sqlalchemy.engine import make_url

from ons_bigdata.platform.dagster.instance import open_instance
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.database import DatabaseAddress
from ons_bigdata.settings import Settings
from tests.command_line import ROOT

ASSET = "kept"
WIPE = 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["kept"]}}]) { __typename } }'
JSON = {"Content-Type": "application/json"}
ACCEPTED = "stats.example.org"


@pytest.fixture(scope="module")
def instance(server: embedded.ServerAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Open a Dagster instance of its own database."""
    _execute(server, "create database {}")
    _execute(server, "create schema dagster", database="web")
    address = DatabaseAddress(url=make_url(server.url("web")), is_embedded=True)
    home = tmp_path_factory.mktemp("web")
    with open_instance(Settings(home=home), address) as opened:
        yield opened
    _execute(server, "drop database {} with (force)")


def _execute(server: embedded.ServerAddress, statement: str, database: str = "postgres") -> None:
    connection = psycopg2.connect(server.url(database))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier("web")))
    connection.close()


@pytest.fixture(scope="module")
def port(instance: dg.DagsterInstance) -> Iterator[int]:
    """Start the webserver without code locations; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    workspace = Path(instance.root_directory) / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    words = ["--workspace", str(workspace), "--host", "127.0.0.1", "--port", str(number), "--accept-host", ACCEPTED]
    process = subprocess.Popen(
        [sys.executable, "-m", "ons_bigdata.platform.dagster.serving.webserver", *words],
        env={**os.environ, "DAGSTER_HOME": instance.root_directory, "DAGSTER_DISABLE_TELEMETRY": "yes"},
        cwd=ROOT,
    )
    deadline = time.monotonic() + 120
    while True:
        try:
            assert request(number, "GET", "/server_info")[0] == 200
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the webserver does not start"
            time.sleep(0.2)
    yield number
    process.terminate()
    process.wait()


@pytest.fixture
def asset(instance: dg.DagsterInstance) -> dg.AssetKey:
    """Asset with history, which any successful attack wipes."""
    key = dg.AssetKey(ASSET)
    instance.report_runless_asset_event(dg.AssetMaterialization(key))
    return key


def request(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, str]:
    """Send one request with exactly these headers (Host: the server's own unless it is given)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": f"127.0.0.1:{port}", **(headers or {})}.items():
            if value:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode() if body is not None else None)
        response = connection.getresponse()
        return (
            response.status,
            "" if response.status == http.HTTPStatus.SWITCHING_PROTOCOLS else response.read().decode(),
        )
    finally:
        connection.close()


def test_the_interface_itself_works(port: int, instance: dg.DagsterInstance, asset: dg.AssetKey) -> None:
    assert request(port, "GET", "/")[0] == 200
    assert "data" in request(port, "GET", f"/graphql?query={quote('{version}')}")[1]
    own = {"Origin": f"http://127.0.0.1:{port}", **JSON}
    status, text = request(port, "POST", "/graphql", own, json.dumps({"query": WIPE}))
    assert (status, "AssetWipeSuccess" in text) == (200, True), text
    assert not instance.has_asset_key(asset)


@pytest.mark.parametrize(
    "query",
    [
        WIPE,
        f"query a {{ version }} {WIPE.replace('mutation', 'mutation b')}",
        f"# {{version}}\n{WIPE}",
        "subscription { capturedLogs(logKey: []) { stdout } }",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_mutation_by_get_is_refused(
    port: int, instance: dg.DagsterInstance, asset: dg.AssetKey, query: str, method: str
) -> None:
    path = f"/graphql?query={quote('{version}')}&query={quote(query)}&operationName=b"
    assert request(port, method, path)[0] == 405
    assert instance.has_asset_key(asset)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example",
        "localhost.evil.example:{port}",
        "localhost@evil.example",
        "127.0.0.1:{port}/evil.example",
        "10.0.0.5:{port}",
        f"{ACCEPTED}:8080",
    ],
)
def test_a_foreign_host_is_refused(port: int, instance: dg.DagsterInstance, asset: dg.AssetKey, host: str) -> None:
    headers = {"Host": host.format(port=port), **JSON}
    assert request(port, "GET", "/", headers)[0] in {400, 403}
    assert request(port, "POST", "/graphql", headers, json.dumps({"query": WIPE}))[0] in {400, 403}
    assert instance.has_asset_key(asset)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:9000", "[::1]:{port}", ACCEPTED])
def test_an_accepted_host_with_its_own_origin_is_served(port: int, host: str) -> None:
    own = host.format(port=port)
    headers = {"Host": own, "Origin": f"http://{own}", **JSON}
    assert request(port, "POST", "/graphql", headers, '{"query": "{version}"}')[0] == 200


def test_a_proxy_may_send_the_name_of_this_server_as_host_and_its_own_as_origin(port: int) -> None:
    headers = {"Origin": f"https://{ACCEPTED}", **JSON}
    assert request(port, "POST", "/graphql", headers, '{"query": "{version}"}')[0] == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "file://",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}@evil.example",
    ],
)
def test_a_foreign_origin_is_refused(port: int, instance: dg.DagsterInstance, asset: dg.AssetKey, origin: str) -> None:
    headers = {"Origin": origin.format(port=port)}
    body = json.dumps({"query": WIPE})
    assert request(port, "POST", "/graphql", {**headers, **JSON}, body)[0] == 403
    # what a form may send without asking the server first
    assert (
        request(port, "POST", f"/graphql?query={quote(WIPE)}", {**headers, "Content-Type": "text/plain"}, "")[0] == 403
    )
    assert request(port, "POST", f"/report_asset_materialization/{ASSET}", {**headers, **JSON}, "{}")[0] == 403
    assert instance.has_asset_key(asset)


@pytest.mark.parametrize(("origin", "status"), [("http://evil.example", 403), ("http://127.0.0.1:{port}", 101)])
def test_a_websocket_of_another_origin_is_refused(port: int, origin: str, status: int) -> None:
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": "graphql-ws",
    }
    assert request(port, "GET", "/graphql", {**handshake, "Origin": origin.format(port=port)})[0] == status


def test_pages_are_not_shown_in_frames_of_other_sites(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    assert connection.getresponse().getheader("X-Frame-Options") == "SAMEORIGIN"
    connection.close()


ATTACK = """
<body><script>
const mutation = {mutation};
const target = 'http://127.0.0.1:{port}/graphql';
const rebound = 'http://rebound.example:{port}/graphql';
async function attack() {{
  for (const url of [target, rebound]) {{
    await fetch(url + '?query=' + encodeURIComponent(mutation), {{mode: 'no-cors'}}).catch(() => null);
    await fetch(url + '?query=' + encodeURIComponent(mutation), {{method: 'POST', mode: 'no-cors'}}).catch(() => null);
  }}
  await new Promise(resolve => {{
    const socket = new WebSocket('ws://127.0.0.1:{port}/graphql', 'graphql-ws');
    socket.onopen = () => {{ document.title = 'websocket open'; resolve(); }};
    socket.onerror = () => resolve();
  }});
  document.body.innerHTML += '<p id=over>over</p>';
}}
attack();
</script><img src="http://127.0.0.1:{port}/graphql?query={quoted}"></body>
"""


@pytest.mark.browser
def test_a_page_of_another_site_changes_nothing(port: int, instance: dg.DagsterInstance, asset: dg.AssetKey) -> None:
    chromium = os.environ.get("CHROMIUM")
    if not chromium:
        assert not os.environ.get("ONS_BIGDATA_REQUIRE_CHROMIUM"), "no Chromium, and it is required"
        pytest.skip("no Chromium: set CHROMIUM to its path")
    playwright = pytest.importorskip("playwright.sync_api")
    page_text = ATTACK.format(mutation=json.dumps(WIPE), port=port, quoted=quote(WIPE)).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page_text)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    evil = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP *.example 127.0.0.1"],
        )
        page = browser.new_page()
        page.goto(f"http://evil.example:{evil.server_port}/")
        page.locator("#over").wait_for(timeout=30_000)
        assert page.title() == ""
        assert page.goto(f"http://rebound.example:{port}/").status == 403
        assert page.goto(f"http://localhost:{port}/").status == 200
        browser.close()
    evil.shutdown()
    assert instance.has_asset_key(asset)
