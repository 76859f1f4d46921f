"""Downloads with `martlet pull` through a proxy on loopback, and reads what the proxy could read.

usage: proxied_pull.py MARTLET CERTIFICATE KEY MODEL
The repository is a server with TLS on localhost. Prints "all checks passed".
"""
import base64
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

signal.alarm(600)
MARTLET, CERTIFICATE, KEY, MODEL = sys.argv[1:5]
FILE = open(MODEL, "rb").read()
TOKEN = "hf_secretsecret"
COMMIT, OID = "ab" * 20, "cd" * 20


class Repository(http.server.BaseHTTPRequestHandler):
    """The part of Hugging Face's API that a download of one file needs."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "ETag": '"one"', **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.requests.append(dict(self.headers))
        if self.path == "/api/models/org/tiny/refs":
            return self.answer(200, json.dumps({"branches": [{"name": "main", "targetCommit": COMMIT}]}).encode())
        if self.path.startswith("/api/models/org/tiny/tree/"):
            entry = {"type": "file", "path": "tiny-Q8_0.gguf", "oid": OID, "size": len(FILE)}
            return self.answer(200, json.dumps([entry]).encode())
        if not self.path.endswith("/tiny-Q8_0.gguf"):
            return self.answer(404, b"")
        if not (wanted := self.headers.get("Range")):
            return self.answer(200, FILE)
        first, last = (int(part) for part in wanted.removeprefix("bytes=").split("-"))
        last = min(last, len(FILE) - 1)
        return self.answer(206, FILE[first : last + 1], Content_Range=f"bytes {first}-{last}/{len(FILE)}")

    def log_message(self, *_):
        pass


def repository(tls):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    server.requests = []
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Proxy:
    """Connects to the host of the first line, and records every byte of the client."""

    def __init__(self):
        self.seen, self.heads = bytearray(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        self.heads.append(head)
        self.seen += head
        method, target = head.split(b" ")[:2]
        authority = target if method == b"CONNECT" else target.split(b"/")[2]
        server = socket.create_connection(("127.0.0.1", int(authority.rsplit(b":")[-1])))
        if method == b"CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            # The path alone, and no second request on the connection, so that each one has its own head.
            path = b"/" + target.split(b"/", 3)[3]
            server.sendall(head.replace(target, path, 1).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        threading.Thread(target=self.copy, args=[client, server, self.seen], daemon=True).start()
        self.copy(server, client, None)

    @staticmethod
    def copy(source, target, record):
        try:
            while data := source.recv(65536):
                if record is not None:
                    record += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def pull(server, tls, **variables):
    folder = tempfile.mkdtemp(prefix="martlet-proxy-")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment.pop("LLAMA_CACHE", None)
    environment |= {
        "HF_ENDPOINT": f"http{'s' if tls else ''}://localhost:{server.server_port}", "HF_HUB_CACHE": folder + "/hub",
        "XDG_CACHE_HOME": folder, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0", "SSL_CERT_FILE": CERTIFICATE, **variables,
    }
    result = subprocess.run([MARTLET, "pull", "org/tiny:Q8_0"], env=environment, capture_output=True, text=True)
    assert TOKEN not in result.stdout + result.stderr
    if result.returncode == 0:
        assert open(result.stdout.strip(), "rb").read() == FILE
    shutil.rmtree(folder)
    return result


server, plain = repository(True), repository(False)

# https: the proxy sees the name of the host and encrypted bytes; the repository gets the token.
proxy = Proxy()
result = pull(server, True, https_proxy=f"http://127.0.0.1:{proxy.port}")
assert result.returncode == 0, result.stderr
assert proxy.heads and all(
    head.startswith(f"CONNECT localhost:{server.server_port} HTTP/1.1\r\n".encode()) for head in proxy.heads), proxy.heads
assert TOKEN.encode() not in proxy.seen and b"Bearer" not in proxy.seen and b"tiny" not in proxy.seen
assert len(proxy.seen) > 1_000
assert all(request["Authorization"] == f"Bearer {TOKEN}" for request in server.requests)
assert not any("Proxy-Authorization" in request for request in server.requests)

# A password is the proxy's alone.
proxy, server.requests[:] = Proxy(), []
result = pull(server, True, HTTPS_PROXY=f"http://me:p%20w@127.0.0.1:{proxy.port}")
assert result.returncode == 0, result.stderr
expected = b"basic " + base64.b64encode(b"me:p w").lower()
assert all(b"proxy-authorization: " + expected in head.lower() for head in proxy.heads), proxy.heads
assert server.requests and not any("Proxy-Authorization" in request for request in server.requests)

# An exempt host is reached directly.
proxy, server.requests[:] = Proxy(), []
result = pull(server, True, https_proxy=f"http://127.0.0.1:{proxy.port}", no_proxy="example.org,localhost")
assert result.returncode == 0 and not proxy.heads and server.requests, result.stderr

# http: the proxy could read the request, so it has no token.
proxy = Proxy()
result = pull(plain, False, http_proxy=f"http://127.0.0.1:{proxy.port}", https_proxy="http://127.0.0.1:1")
assert result.returncode == 0, result.stderr
assert proxy.heads and all(f"localhost:{plain.server_port}".encode() in head for head in proxy.heads), proxy.heads
assert b"tiny-Q8_0.gguf" in proxy.seen
assert TOKEN.encode() not in proxy.seen and not any("Authorization" in request for request in plain.requests)

# A wrong variable is one line.
result = pull(server, True, https_proxy="ftp://127.0.0.1:1")
assert result.returncode == 1 and result.stderr.startswith("martlet: https_proxy: a proxy must begin with"), result.stderr
assert result.stderr.count("\n") == 1, result.stderr
print("all checks passed")
