"""What the page costs: `scripts/page-browser-tests measure` prints the figures. Nothing here fails for a slow machine."""

import os
import statistics
import threading
import time
import unittest

import harness
from harness import ENDLESS


def load():
    return f"load {os.getloadavg()[0]:.1f}"


class PageFigures(harness.PageTest):
    """Prints times and memory of the page in a headless Chromium."""

    # Formulas, tables and code are in scripts/page-figures; this is prose, as most answers are.
    PROSE = {**ENDLESS, "reasoning_effort": "none", "grammar": r'root ::= ([A-Z] [a-z ]{20,200} "." [ \n])+'}

    def metrics(self, session):
        return {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}

    def session(self, tab):
        session = self.context.new_cdp_session(tab)
        # Processor time of the main thread: other work of the machine does not count.
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        session.send("HeapProfiler.enable")
        return session

    def test_scripts_per_frame(self):
        tab = self.open()
        session = self.session(tab)
        self.set(tab, **self.PROSE)
        self.proxy.hold()
        _, answer = self.ask(tab, "Tell me a story without end")
        self.wait_generation(tab, answer)
        while len(self.message(tab, answer)["text"]) < 25_000:
            self.proxy.allow(400_000)
            self.proxy.wait_spent()
            tab.wait_for_timeout(50)
        message = self.message(tab, answer)
        events = int(message["stream"]["cursor"])
        # The bytes of an event, from the stream itself.
        self.proxy.allow(100_000)
        self.proxy.wait_spent()
        tab.wait_for_timeout(500)
        size = 100_000 / max(1, int(self.message(tab, answer)["stream"]["cursor"]) - events)
        tab.evaluate("""() => {
            window.frames = 0;
            const count = () => { window.frames += 1; requestAnimationFrame(count); };
            requestAnimationFrame(count);
        }""")
        is_over = threading.Event()

        def pace():
            begin, given = time.monotonic(), 0
            while not is_over.wait(0.01):
                due = int((time.monotonic() - begin) * 200 * size)
                self.proxy.allow(due - given)
                given = due

        before, first, begin = self.metrics(session), self.message(tab, answer), time.monotonic()
        thread = threading.Thread(target=pace)
        thread.start()
        tab.wait_for_timeout(8_000)
        after, last, seconds = self.metrics(session), self.message(tab, answer), time.monotonic() - begin
        is_over.set()
        thread.join()
        frames = tab.evaluate("() => window.frames")
        arrived = int(last["stream"]["cursor"]) - int(first["stream"]["cursor"])
        script = (after["ScriptDuration"] - before["ScriptDuration"]) * 1_000 / frames
        print(f"an answer of {len(last['text'])} characters, {arrived / seconds:.0f} tokens/s, {frames / seconds:.0f} frames/s: "
              f"{script:.2f} ms of processor time of scripts per frame ({load()})")
        self.proxy.release()
        self.stop(tab, answer)

    def test_memory_of_fifty_chats(self):
        tab = self.open()
        session = self.session(tab)
        for number in range(50):
            self.load_chat(tab, f"chat-{number}", *["A question", "An answer with **bold** text, and a list:\n\n- one\n- two\n" * 20] * 10)
        self.reload(tab)
        sizes = []
        # A tab holds the messages of six chats, so that is where it begins.
        for last in (6, 50, 50):
            for number in range(last):
                self.show(tab, f"chat-{number}")
                tab.locator(f"[data-message='chat-{number}-0019']").wait_for()
            tab.evaluate("() => { location.hash = '#/'; }")
            tab.wait_for_function("() => document.querySelectorAll('[data-message]').length === 0")
            session.send("HeapProfiler.collectGarbage")
            sizes.append(self.metrics(session)["JSHeapUsedSize"] / 1e6)
        print(f"memory of scripts after 6 chats were opened and closed {sizes[0]:.2f} MB, after 50 {sizes[1]:.2f} MB, after the next 50 "
              f"{sizes[2]:.2f} MB ({load()})")

    def test_search_in_ten_thousand_messages(self):
        tab = self.open()
        for number in range(10):
            self.load_chat(tab, f"chat-{number}", *[f"Message {index} " + "words of a chat " * 19 for index in range(1_000)])
        times = tab.evaluate("""async () => {
            const times = [];
            for (const text of ['m', 'me', 'mes', 'message 77', 'nothing like it']) {
                const begin = performance.now();
                await martletEngine.search(text, 40);
                times.push(performance.now() - begin);
            }
            return times;
        }""")
        print(f"a search over 10,000 messages: the first letter {times[0]:.0f} ms, then {max(times[1:]):.0f} ms at most ({load()})")


class StopFigures(harness.PageTest):
    """Stop among six answers, straight at the server: the proxy of the tests would take its share of the processor."""

    @property
    def port(self):
        return self.proxy.port if self.site else self.server.port

    def test_stop_among_six(self):
        tab = self.open()
        left, told, ended = [], [], []
        for _ in range(3):
            self.set(tab, **ENDLESS)
            asked = [self.ask(tab, f"Story {number} without end") for number in range(6)]
            for _, answer in asked:
                self.wait_generation(tab, answer)
            for conversation, answer in reversed(asked):
                self.show(tab, conversation)
                tab.locator("[data-action=stop]").first.wait_for()
                times = tab.evaluate("""async id => {
                    // A person presses a button that is painted.
                    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                    const begin = performance.now();
                    document.querySelector('[data-action=stop]').click();
                    const left = performance.now() - begin;
                    while (martletEngine.message(id).state !== 'stopped') await new Promise(done => setTimeout(done, 1));
                    const ended = performance.now() - begin;
                    const reply = performance.getEntriesByType('resource').filter(entry => entry.startTime >= begin
                        && /generations\\/[^/]+(\\/control)?$/.test(entry.name)).at(-1);
                    return [left, reply ? reply.responseEnd - begin : ended, ended];
                }""", answer)
                for row, one in zip((left, told, ended), times):
                    row.append(one)
        for row, words in ((left, "the page leaves the state"), (told, "the server has stopped"), (ended, "the page has the end")):
            print(f"Stop among six running answers: {words} after {statistics.median(row):.0f} ms in the median, {max(row):.0f} ms at most "
                  f"({load()})")


if __name__ == "__main__":
    unittest.main()
