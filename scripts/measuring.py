"""Shared code of the measuring scripts: a server as a process, its memory and CPU time, and the output of figures."""
import http.client
import os
import pathlib
import re
import signal
import statistics
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A server process that logs its address. It is ready when /health returns 200, and ends with the `with` block or if the start fails."""

    def __init__(self, *command):
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        try:
            self.port = next(
                (int(match.group(1)) for line in self.process.stdout if (match := re.search(rb"127\.0\.0\.1:(\d+)", line))),
                None)
            assert self.port, "the server did not start"
            self.listening_seconds = time.perf_counter() - started
            # An unread pipe would fill up and block the server's log.
            threading.Thread(target=self.process.stdout.read, daemon=True).start()
            while self.request("GET", "/health")[0] != 200:
                time.sleep(0.002)
            self.start_seconds = time.perf_counter() - started
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def request(self, method, path, body=None, headers={}):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def worker(self):
        children = pathlib.Path(f"/proc/{self.pid}/task").glob("*/children")
        return int(next(text for text in (path.read_text() for path in children) if text.strip()).split()[0])


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def report(name, values, unit):
    print(f"{name:<58} {statistics.median(values):>10.4g} {unit:<18} ({min(values):.4g} to {max(values):.4g})", flush=True)
