"""What the page costs: `scripts/page-browser-tests measure` prints the figures. Nothing here fails for a slow machine."""

import unittest

import harness


class PageFigures(harness.PageTest):
    """Prints times and memory of the page in a headless Chromium."""

    def test_figures(self):
        tab = self.open()
        paints = tab.evaluate("""() => Object.fromEntries(
            performance.getEntriesByType('paint').map(paint => [paint.name, Math.round(paint.startTime)]))""")
        print(f"first paint {paints.get('first-paint')} ms, first content {paints.get('first-contentful-paint')} ms")
        session = self.context.new_cdp_session(tab)
        session.send("Performance.enable")
        session.send("HeapProfiler.enable")
        self.set(tab, ignore_eos=True, max_tokens=-1)
        _, answer = self.ask(tab, "Tell me a story without end")
        self.wait_text(tab, answer, 10_000)
        tab.evaluate("""() => {
            window.frames = 0;
            const count = () => { window.frames += 1; requestAnimationFrame(count); };
            requestAnimationFrame(count);
        }""")
        before, first = self.metrics(session), self.message(tab, answer)
        self.wait_text(tab, answer, 14_000)
        after, last = self.metrics(session), self.message(tab, answer)
        frames = tab.evaluate("() => window.frames")
        seconds = after["Timestamp"] - before["Timestamp"]
        events = int(last["stream"]["cursor"]) - int(first["stream"]["cursor"])
        script = (after["ScriptDuration"] - before["ScriptDuration"]) * 1_000 / frames
        print(f"an answer of {len(last['text'])} characters, {events / seconds:.0f} events/s, {frames / seconds:.0f} frames/s: "
              f"{script:.2f} ms of scripts per frame")
        tab.evaluate("id => martletEngine.stop(id)", answer)
        self.wait_state(tab, answer, "stopped")
        self.set(tab, max_tokens=20)
        asked = [self.ask(tab, f"Question {number}") for number in range(10)]
        for _, one in asked:
            self.wait_state(tab, one, "done")
        sizes = []
        for _ in range(2):
            for _ in range(5):
                for conversation, one in asked:
                    tab.evaluate("id => { location.hash = '#/c/' + id; }", conversation)
                    tab.locator(f"[data-message='{one}']").wait_for()
            session.send("HeapProfiler.collectGarbage")
            sizes.append(self.metrics(session)["JSHeapUsedSize"] / 1e6)
        print(f"memory of scripts after 50 opened chats {sizes[0]:.1f} MB, after 100 {sizes[1]:.1f} MB")

    def test_stop_among_six(self):
        tab = self.open()
        self.set(tab, ignore_eos=True, max_tokens=-1)
        asked = [self.ask(tab, f"Story {number} without end") for number in range(6)]
        for _, answer in asked:
            self.wait_generation(tab, answer)
        times = []
        for conversation, answer in reversed(asked):
            tab.evaluate("id => { location.hash = '#/c/' + id; }", conversation)
            tab.locator("[data-action=stop]").first.wait_for()
            times.append(tab.evaluate("""async id => {
                const begin = performance.now();
                document.querySelector('[data-action=stop]').click();
                const left = performance.now() - begin;
                const isOver = () => martletEngine.message(id).state === 'stopped';
                while (!isOver()) await new Promise(done => setTimeout(done, 2));
                return [left, performance.now() - begin];
            }""", answer))
        print(f"Stop among six running answers: the page leaves the state after {max(time[0] for time in times):.1f} ms at most, "
              f"the server has stopped after {max(time[1] for time in times):.0f} ms at most")

    def metrics(self, session):
        return {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}


if __name__ == "__main__":
    unittest.main()
