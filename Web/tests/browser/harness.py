"""The real server, the proxy, and a headless browser, for the tests of the page."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import playwright.sync_api
from playwright.sync_api import sync_playwright

import proxy

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("MARTLET_BINARY") or str(ROOT / ".build/debug/martlet")
# A name that is not this machine's: over plain HTTP the page is no secure context, as on a phone in a LAN.
HOST = "martlet.test"
# An answer of a known length: the demo model would end earlier.
LENGTH = {"ignore_eos": True, "max_tokens": 120, "temperature": 0.7}
# An answer that only a stop ends.
ENDLESS = {"ignore_eos": True, "max_tokens": -1}
# A limit for a test that hangs; no test waits for time to pass.
PATIENCE = int(os.environ.get("MARTLET_PAGE_PATIENCE", "60000"))


def browser_path():
    """The headless browser of Debian's packages, or None."""
    for name in ("/usr/lib/chromium/chromium-headless-shell", "chromium-headless-shell", "chromium"):
        found = name if os.path.isfile(name) and os.access(name, os.X_OK) else shutil.which(name)
        if found:
            return found
    return None


class Server:
    """A server of the program with the demo model, in its own folder of state."""

    def __init__(self, folder, *flags):
        self.folder = folder
        self.flags = flags
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        """Starts on the same port with the same state, and waits until the model is loaded."""
        log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--port", str(self.port), "--state-dir", str(self.folder / "state"), "--parallel", "4",
             "--context-shift", "--allowed-hosts", HOST, *self.flags],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + PATIENCE / 1000
        while True:
            with contextlib.suppress(urllib.error.URLError, OSError):
                if urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).status == 200:
                    return
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("The server did not start:\n" + (self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.05)

    def get(self, path):
        """The JSON of a response, straight from the server."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as response:
            return json.load(response)

    def post(self, path, body):
        """The JSON of a response to a JSON body, straight from the server."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def delete(self, path):
        """Deletes a resource, straight at the server."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()

    def result(self, generation):
        """The content and the reasoning of an ended generation."""
        message = self.get(f"/v1/generations/{generation}/result?wait=60")["choices"][0]["message"]
        return message.get("content") or "", message.get("reasoning_content") or ""

    def kill(self):
        """SIGKILL to the server and its workers, as when power goes."""
        workers = self.workers()
        self.process.kill()
        self.process.wait()
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def workers(self):
        """The processes that the server started."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True,
                                check=False)
        return [int(word) for word in listed.stdout.split()]

    def states(self):
        """The states of all generations by their ids."""
        return {one["id"]: one["state"] for one in self.get("/v1/generations")["data"]}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


_servers = {}
_browsers = []


def shared_server(flags):
    """The server with these flags, for all classes of a run."""
    if flags not in _servers:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="martlet-page-"))
        unittest.addModuleCleanup(shutil.rmtree, folder, True)
        _servers[flags] = Server(folder, *flags)
        unittest.addModuleCleanup(_servers[flags].stop)
        unittest.addModuleCleanup(_servers.pop, flags, None)
    return _servers[flags]


def shared_browser():
    """The browser of a run; each test has its own context, which is its own storage."""
    if not _browsers:
        playwright = sync_playwright().start()
        unittest.addModuleCleanup(playwright.stop)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=browser_path(), args=[*sandbox, f"--host-resolver-rules=MAP {HOST} 127.0.0.1"])
        unittest.addModuleCleanup(browser.close)
        unittest.addModuleCleanup(_browsers.clear)
        _browsers.append(browser)
    return _browsers[0]


class PageTest(unittest.TestCase):
    """One server and one browser for all tests; each test has its own storage and its own proxy.

    After each test the page must have reported no violation of its Content-Security-Policy and no uncaught error, and
    must have asked no other host.
    """

    flags = ()
    has_model_titles = False

    @classmethod
    def setUpClass(cls):
        cls.server = shared_server(cls.flags)
        cls.browser = shared_browser()
        cls.site = proxy.site() or cls.site_if_not_embedded()

    @classmethod
    def site_if_not_embedded(cls):
        """The built page, if the program was built without it; None if the program serves the page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{cls.server.port}/", timeout=10) as response:
                if b"page/main" in response.read():
                    return None
        except urllib.error.HTTPError:
            pass
        return ROOT / "Web/dist/site"

    def setUp(self):
        self.proxy = proxy.ChaosProxy(self.server.port, self.site)
        self.addCleanup(self.proxy.close)
        self.faults = []
        self.context = self.new_context()

    def new_context(self, **options):
        context = self.browser.new_context(**options)
        self.addCleanup(context.close)
        context.set_default_timeout(PATIENCE)
        context.expose_binding("reportFault", lambda _, text: self.faults.append(text))
        context.add_init_script("""
            document.addEventListener('securitypolicyviolation', event =>
                reportFault(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
        """)
        context.on("request", self.check_request)
        return context

    @property
    def port(self):
        """The port that the browser uses."""
        return self.proxy.port

    def check_request(self, request):
        if not request.url.startswith((f"http://{HOST}:{self.port}/", "data:", "blob:")):
            self.faults.append("a request to another host: " + request.url)

    def tearDown(self):
        self.assertEqual(self.faults, [])

    # --- The page ------------------------------------------------------------------------------------------------------

    def open(self, path="", context=None):
        """A tab with the page, whose engine has started."""
        tab = (context or self.context).new_page()
        tab.on("pageerror", lambda problem: self.faults.append(f"an uncaught error: {problem}"))
        tab.goto(f"http://{HOST}:{self.port}/{path}")
        self.ready(tab)
        return tab

    def ready(self, tab):
        tab.wait_for_function("() => window.martletEngine && document.querySelector('[data-composer]')")
        # A title is a request more; the test of titles turns it on.
        if not self.has_model_titles:
            tab.evaluate("() => martletEngine.setSetting(null, 'modelTitles', false)")

    def reload(self, tab):
        tab.reload()
        self.ready(tab)

    def set(self, tab, **settings):
        """Settings of the browser, which the next answers use."""
        tab.evaluate(
            "async values => { for (const [name, value] of Object.entries(values))"
            " await martletEngine.setSetting(null, name, value); }", settings)

    def ask(self, tab, text):
        """Sends a question with the composer; returns the ids of the conversation and of the answer."""
        before = tab.evaluate("() => martletEngine.conversations().length")
        tab.locator("[data-action=new]").first.click()
        tab.wait_for_function("() => location.hash === '' || location.hash === '#/'")
        tab.wait_for_function("() => document.querySelectorAll('[data-message]').length === 0")
        tab.locator("[data-composer]").fill(text)
        tab.locator("[data-action=send]").click()
        tab.wait_for_function("before => martletEngine.conversations().length > before", arg=before)
        handle = tab.wait_for_function("""() => {
            const id = location.hash.match(/^#\\/c\\/(.+)$/)?.[1];
            const last = id && martletEngine.thread(id)?.messages.at(-1);
            return last && last.role === 'assistant' ? [id, last.id] : null;
        }""")
        return handle.json_value()

    def ask_held(self, tab, text, count, **settings):
        """Asks a question, and lets so many bytes of its events pass; they are applied when this returns. The rest waits.

        Returns the ids of the conversation, of the answer and of the generation.
        """
        self.set(tab, **(settings or LENGTH))
        self.proxy.hold()
        conversation, answer = self.ask(tab, text)
        generation = self.wait_generation(tab, answer)
        self.proxy.allow(count)
        self.proxy.wait_spent()
        return conversation, answer, generation

    def show(self, tab, conversation):
        """Goes to a conversation by its address."""
        tab.evaluate("id => { location.hash = '#/c/' + id; }", conversation)

    def stop(self, tab, answer):
        """Stops an answer, and waits for its end."""
        tab.evaluate("id => martletEngine.stop(id)", answer)
        return self.wait_state(tab, answer, "stopped")

    def load_chat(self, tab, name, *texts, title=None):
        """Imports a chat of questions and answers in turn and shows it. Its messages are `NAME-0000` and so on."""
        lines = [{"type": "martlet.conversation",
                  "conversation": {"id": name, "title": title or name, "createdAt": 1, "updatedAt": 2}}]
        lines += [{"type": "martlet.message", "message": {
            "id": f"{name}-{number:04}", "parent": f"{name}-{number - 1:04}" if number else None,
            "role": "assistant" if number % 2 else "user", "createdAt": number, "state": "done", "text": text}}
            for number, text in enumerate(texts)]
        tab.evaluate("async text => (await martletEngine.readImport('x', text)).commit()", "\n".join(map(json.dumps, lines)))
        self.show(tab, name)

    def message(self, tab, answer):
        return tab.evaluate("id => martletEngine.message(id)", answer)

    def wait_state(self, tab, answer, *states):
        """Waits until an answer is in one of the states, and returns the message."""
        try:
            handle = tab.wait_for_function(
                "([id, states]) => { const one = martletEngine.message(id);"
                " return one && states.includes(one.state) ? one : null; }", arg=[answer, list(states)])
        except playwright.sync_api.TimeoutError:
            message = self.message(tab, answer) or {}
            known = {name: message.get(name) for name in ("state", "stream", "revision", "failure")}
            self.fail(f"the answer is in none of the states {states}, but {known}, "
                      f"{tab.evaluate('id => martletEngine.stream(id)', answer)}; the server has {self.server.states()}")
        return handle.json_value()

    def wait_text(self, tab, answer, length=1):
        """Waits until text or reasoning of an answer has arrived."""
        tab.wait_for_function(
            "([id, length]) => { const one = martletEngine.message(id);"
            " return one && one.text.length + one.reasoning.length >= length; }", arg=[answer, length])

    def wait_saved(self, tab, answer):
        """Hides the page, which saves the text, and waits until the storage has it. The text stands still meanwhile."""
        tab.evaluate("""id => new Promise(done => {
            indexedDB.open('martlet').onsuccess = opened => {
                const base = opened.target.result;
                const look = () => {
                    martletEngine.pageChanged('hidden');
                    base.transaction('messages').objectStore('messages').get(id).onsuccess = event => {
                        const [stored, shown] = [event.target.result, martletEngine.message(id)];
                        if (stored?.stream?.cursor !== shown?.stream?.cursor || stored?.state !== shown?.state) return setTimeout(look, 10);
                        base.close();
                        done();
                    };
                };
                look();
            };
        })""", answer)

    def wait_until(self, condition):
        """Waits for something that only the machine knows, and returns it."""
        end = time.monotonic() + PATIENCE / 1000
        while not (found := condition()):
            self.assertLess(time.monotonic(), end, "the state was not reached")
            time.sleep(0.002)
        return found

    def wait_streams(self, limit):
        """Waits until at most so many event streams are open: a stream that was left takes a moment to close."""
        with self.proxy.changed:
            self.assertTrue(self.proxy.changed.wait_for(
                lambda: sum(one.is_events for one in self.proxy.connections) <= limit, PATIENCE / 1000))

    def wait_generation(self, tab, answer):
        """The server's id of an answer, as soon as the server has accepted it."""
        handle = tab.wait_for_function("id => martletEngine.message(id)?.stream?.generation", arg=answer)
        return handle.json_value()

    def assert_exact(self, tab, answer, generation=None):
        """The text of the page is that of the server, byte by byte, in the engine and in the document."""
        message = self.message(tab, answer)
        content, reasoning = self.server.result(generation or message["stream"]["generation"])
        self.assertEqual(message["text"], content)
        self.assertEqual(message["reasoning"], reasoning)
        return message

    def shown(self, tab, answer):
        """The rendered text of an answer without white space, which rendering may change."""
        text = tab.locator(f"[data-message='{answer}'] [data-text]").first.inner_text()
        return "".join(text.split())

    def shorten(self, tab, answer):
        """Replaces a text of unknown length, so that the next question fits into the context on the fastest machine."""
        tab.evaluate("id => martletEngine.edit(id, 'Once.', 'inPlace')", answer)
