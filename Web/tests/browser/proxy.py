"""A TCP proxy between browser and server that fails in the ways in which networks fail.

Example: `proxy.hold()` stops event streams until `proxy.allow(400)` lets 400 more of their bytes pass, so a test decides
which part of an answer has arrived, whatever the speed of the machine.
"""

import contextlib
import http
import os
import pathlib
import socket
import struct
import threading

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
         ".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
          "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; frame-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
          "require-trusted-types-for 'script'; trusted-types 'none'")


# The page of frames runs scripts of answers: an origin of its own, without network.
FRAMED_POLICY = ("sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                 "img-src data: blob:; font-src data:; media-src data: blob:; worker-src blob:; base-uri 'none'; "
                 "form-action 'none'; frame-ancestors 'self'")


class Connection:
    """One connection of the browser, and its twin to the server."""

    def __init__(self, client):
        self.client = client
        self.server = None
        self.is_events = False
        self.is_stalled = False


class ChaosProxy:
    """Forwards connections to a port. All members may be used from any thread."""

    def __init__(self, target, site=None):
        self.target = target
        self.site = pathlib.Path(site) if site else None
        self.is_down = False
        self.allowance = None  # bytes of event streams that may still pass; None = all
        self.requests = []  # "POST /v1/chat/completions"
        self.changed = threading.Condition()
        self.connections = set()
        self.listener = None
        self.port = 0
        self.up()

    # --- What a test lets happen ---------------------------------------------------------------------------------

    def up(self):
        """Listens again, on the same port."""
        with self.changed:
            if self.listener is not None:
                return
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen(128)
            self.port = listener.getsockname()[1]
            self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self):
        """Resets all connections and refuses new ones: the port is dead."""
        with self.changed:
            listener, self.listener = self.listener, None
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self):
        """Resets all connections with RST."""
        with self.changed:
            connections = list(self.connections)
        for connection in connections:
            self._close(connection, reset=True)

    def stall(self):
        """The open event streams stay open, and nothing passes them any more. New ones work."""
        with self.changed:
            for connection in self.connections:
                connection.is_stalled = connection.is_events
            self.changed.notify_all()

    def hold(self):
        """Event streams wait from now on."""
        with self.changed:
            self.allowance = 0

    def allow(self, count):
        """Lets bytes of event streams pass. Returns at once."""
        with self.changed:
            self.allowance = (self.allowance or 0) + count
            self.changed.notify_all()

    def release(self):
        """Everything passes again."""
        with self.changed:
            self.allowance = None
            self.changed.notify_all()

    def wait_spent(self, timeout=60):
        """Waits until the allowed bytes have passed. False if that takes too long (an answer that is shorter)."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.allowance, timeout)

    def count(self, beginning):
        """The requests that begin like this."""
        with self.changed:
            return sum(request.startswith(beginning) for request in self.requests)

    def close(self):
        self.down()

    # --- Forwarding --------------------------------------------------------------------------------------------------

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            connection = Connection(client)
            with self.changed:
                self.connections.add(connection)
            threading.Thread(target=self._upstream, args=(connection,), daemon=True).start()

    def _upstream(self, connection):
        """From the browser to the server."""
        try:
            while True:
                data = connection.client.recv(65_536)
                if not data:
                    break
                words = data.split(b" ", 2)
                if len(words) == 3 and words[0] in (b"GET", b"POST", b"DELETE", b"PUT"):
                    path = words[1].decode("latin-1")
                    with self.changed:
                        self.requests.append(f"{words[0].decode()} {path}")
                        connection.is_events = path.split("?")[0].endswith("/events")
                    if self.site and words[0] == b"GET" and (path == "/" or path.startswith("/page/")):
                        self._file(connection, path)
                        continue
                if connection.server is None:
                    connection.server = socket.create_connection(("127.0.0.1", self.target))
                    threading.Thread(target=self._downstream, args=(connection,), daemon=True).start()
                connection.server.sendall(data)
        except OSError:
            pass
        self._close(connection, reset=False)

    def _downstream(self, connection):
        """From the server to the browser."""
        try:
            while True:
                data = connection.server.recv(65_536)
                if not data:
                    break
                while data:
                    piece = self._permitted(connection, data)
                    if piece is None:
                        return
                    connection.client.sendall(piece)
                    data = data[len(piece):]
        except OSError:
            pass
        self._close(connection, reset=False)

    def _permitted(self, connection, data):
        """What may pass now; waits until something may. None if the connection has closed."""
        with self.changed:
            while connection in self.connections:
                if not connection.is_stalled:
                    if not connection.is_events or self.allowance is None:
                        return data
                    if self.allowance > 0:
                        piece = data[:self.allowance]
                        self.allowance -= len(piece)
                        self.changed.notify_all()
                        return piece
                self.changed.wait(0.5)
            return None

    def _file(self, connection, path):
        """A file of a page that is not embedded in the program yet, with the headers of the server."""
        name = "index.html" if path == "/" else path.lstrip("/")
        file = self.site / name
        body = file.read_bytes() if file.is_file() else b""
        status = http.HTTPStatus.OK if file.is_file() else http.HTTPStatus.NOT_FOUND
        kind = TYPES.get(file.suffix, "application/octet-stream")
        head = (f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                f"Content-Security-Policy: {FRAMED_POLICY if path.endswith('.html') else POLICY}\r\nX-Content-Type-Options: nosniff\r\n\r\n")
        connection.client.sendall(head.encode() + body)

    def _close(self, connection, reset):
        with self.changed:
            if connection not in self.connections:
                return
            self.connections.discard(connection)
            self.changed.notify_all()
        for one in (connection.client, connection.server):
            if one is None:
                continue
            with contextlib.suppress(OSError):
                if reset:
                    # A lingering time of zero makes the close a reset. A thread that still reads would put the close off.
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RD)
                else:
                    one.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                one.close()


def site():
    """The folder of a page to serve in place of the embedded one, from the environment."""
    return os.environ.get("MARTLET_PAGE") or None
