import assert from "node:assert/strict";
import { test } from "node:test";
import { actionsOf, isBusy, isRunning } from "../../src/engine/actions";
import { Api } from "../../src/engine/api";
import { Backoff } from "../../src/engine/backoff";
import { explainedCache, gaugeOf } from "../../src/engine/gauge";
import { newMessage } from "../../src/engine/records";
import { Models } from "../../src/engine/models";
import { pointsFrom } from "../../src/engine/monitor";
import { Settings } from "../../src/engine/settings";
import { runningWords } from "../../src/engine/status";
import { cutAway } from "../../src/engine/steering";
import { titleFrom } from "../../src/engine/writing";
import { turns, until } from "./support/world";
import type { MessageState } from "../../src/engine/types";

const states: MessageState[] = [
    "sending", "queued", "loading", "prompting", "reasoning", "answering", "tool", "paused", "stopping", "done", "stopped",
    "interrupted", "failed",
];

function answer(state: MessageState, finishReason: string | null = null) {
    return newMessage({
        id: "m", conversation: "c", parent: null, role: "assistant", createdAt: 0, text: "text", state, finishReason,
    });
}

test("theDelaysGrowToAnEndAndBeginAgainAfterAByte", () => {
    const backoff = new Backoff();
    const delays = Array.from({ length: 7 }, () => backoff.failed(0.5));
    assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
    backoff.succeeded();
    assert.equal(backoff.failed(0), 375);
    assert.equal(backoff.failed(1), 1250);
});

test("everyStateHasTheButtonsThatItAllows", () => {
    for (const state of states) {
        const actions = actionsOf(answer(state), true);
        assert.equal(actions.stop, isBusy(state), state);
        assert.equal(actions.regenerate, !isRunning(state), state);
        assert.equal(actions.remove, !isRunning(state), state);
        assert.equal(actions.skipThinking, state === "reasoning", state);
        assert.equal(actions.continue, ["stopped", "interrupted", "failed"].includes(state), state);
        assert.equal(actions.resume, state === "paused", state);
        assert.equal(actionsOf(answer(state), false).continue, false, state);
    }
    assert.equal(actionsOf(answer("done", "length"), true).continue, true);
});

test("theStatusLineNamesTheFirstThingThatKeepsTextBack", () => {
    const facts = {
        state: "queued" as MessageState, connection: "live" as const, attempts: 0, queuePosition: null, loadProgress: null,
        prompt: null, problem: null, isSkipping: false,
    };
    assert.equal(runningWords(facts).words, "Waiting for a free slot");
    assert.equal(runningWords({ ...facts, queuePosition: 2 }).words, "Waiting for a free slot, 2 before this one");
    assert.deepEqual(runningWords({ ...facts, state: "loading", loadProgress: 0.439 }), {
        words: "Loading model 43 %", progress: 0.439,
    });
    const prompt = { total: 100, processed: 43, milliseconds: 4_300 };
    assert.equal(runningWords({ ...facts, state: "prompting", prompt }).words, "Reading prompt 43 %, 6 s");
    assert.equal(runningWords({ ...facts, state: "answering" }).words, null);
    assert.equal(runningWords({ ...facts, state: "answering", connection: "lost", attempts: 1 }).words,
        "Connection lost. Reconnecting…");
});

test("aSettingComesFromTheConversationThenTheBrowserThenTheServer", () => {
    const settings = new Settings();
    settings.setServer({ default_generation_settings: { params: { temperature: 0.8, top_k: 40, stream: false, novel: 3 } } });
    const resolved = settings.resolve({ temperature: 0.5 }, { temperature: 0.1 });
    const find = (name: string) => resolved.find(one => one.field.name === name);
    assert.deepEqual([find("temperature")?.value, find("temperature")?.source, find("temperature")?.inherited],
        [0.1, "conversation", 0.5]);
    assert.deepEqual([find("top_k")?.value, find("top_k")?.source], [40, "server"]);
    // A field that this page does not know is offered; one that is no wish is not.
    assert.equal(find("novel")?.field.kind, "number");
    assert.equal(find("stream"), undefined);
    assert.deepEqual(settings.options({ temperature: 0.5, theme: "dark" }, { top_k: 1 }, { temperature: null }), { top_k: 1 });
    assert.equal(settings.options({ showProbabilities: true }, {}, {}).logprobs, true);
    // The page's own tool joins those of the user.
    const { tools } = settings.options({ javascriptTool: true, tools: [{ type: "function" }] }, {}, {}) as { tools: { function?: { name: string } }[] };
    assert.deepEqual(tools.map(tool => tool.function?.name), [undefined, "run_javascript"]);
});

test("theShareOfALoadNeverDecreases", () => {
    const environment = {
        clock: { now: () => 0, after: () => () => {} },
        fetch: () => Promise.reject(new TypeError("not here")),
        channel: { post: () => {}, onMessage: () => {}, close: () => {} },
        session: { read: () => null, write: () => {} },
        local: { read: () => null, write: () => {} },
        random: (count: number) => new Uint8Array(count),
        later: (work: () => void) => work(),
    };
    const models = new Models(environment, new Api(environment));
    const status = (fraction: number | null, value = "loading") =>
        models.apply({ model: "a", event: "status_change", data: { status: value, fraction } });
    models.apply({ model: "*", event: "snapshot", data: { models: [
        { id: "a", status: { value: "unloaded" }, capabilities: ["completion", "vision", "tools"] },
        { id: "b", status: { value: "unloaded", failed: true, error: "no memory" } },
    ] } });
    assert.deepEqual(models.current.models.map(model => model.statusWords), ["Not loaded", "Failed: no memory"]);
    assert.equal(models.current.models[0].canSee, true);
    const seen: (number | null)[] = [];
    for (const fraction of [0.1, 0.6, 0.3, null, 0.7]) {
        status(fraction);
        seen.push(models.current.models[0].progress);
    }
    assert.deepEqual(seen, [0.1, 0.6, 0.6, 0.6, 0.7]);
    status(null, "loaded");
    assert.equal(models.current.models[0].status, "loaded");
    status(0.2);
    assert.equal(models.current.models[0].progress, 0.2);
    models.apply({ model: "a", event: "model_remove", data: {} });
    assert.equal(models.current.models.length, 1);
});

test("theGaugeCountsTheLastAnswerWithCounts", () => {
    const statistics = {
        promptTokens: 900, cachedTokens: 700, answerTokens: 100, reasoningTokens: null, promptTime: null, answerTime: null,
        promptPerSecond: null, answerPerSecond: null, firstToken: null, reasoningTime: null, cacheReport: null,
    };
    const gauge = gaugeOf([{ ...answer("done"), statistics }, answer("failed")], 1_200);
    assert.deepEqual([gauge.used, gauge.cached, gauge.fresh, gauge.isNearlyFull], [1_000, 700, 200, true]);
    assert.equal(gaugeOf([], null).share, null);
});

test("aCacheReportIsToldInWords", () => {
    assert.equal(explainedCache(null), null);
    assert.equal(explainedCache({ reason: "complete", reused: 12 }),
        "12 tokens came from the cache. Everything was reused from the cache.");
    const told = explainedCache({ reason: "differs", reused: 4, difference: { index: 5, prompt: "09:14", cached: "09:13" } });
    assert(told?.includes("\"09:14\" instead of \"09:13\""));
});

test("aTitleIsTheFirstLine", () => {
    assert.equal(titleFrom("  Hello\nworld", []), "Hello");
    assert.equal([...titleFrom("🐦".repeat(80), [])].length, 60);
    assert.equal(titleFrom(" ", []), "New chat");
});

test("theHistoryBecomesOnePointPerSecond", () => {
    const points = pointsFrom({ object: "metrics.history", interval: 1, time: [5, 6], running: [1, 2], first_token_seconds: [null, 0.5] });
    assert.deepEqual(points, [
        { time: 5_000, running: 1, first_token_seconds: null },
        { time: 6_000, running: 2, first_token_seconds: 0.5 },
    ]);
    assert.deepEqual(pointsFrom("x"), []);
});

test("aRewindBetweenTokensWritesTheRestAgain", () => {
    const one = { ...answer("paused"), text: "größer by the sea by the sea" };
    assert.equal(cutAway(one, "by t", 11), " the sea by t");
    assert.equal(cutAway(one, "by t", new TextEncoder().encode("größer by the sea by").length), " t");
    assert.equal(cutAway(one, "by t", 1_000), "");
    assert.equal(cutAway(one, "gone", 3), "");
    assert.equal(cutAway(undefined, "by", 3), "");
});

test("theMemoryOfEachModelIsAskedForOnce", async () => {
    const asked: string[] = [];
    const environment = {
        clock: { now: () => 0, after: () => () => {} },
        fetch: async (path: string, options?: RequestInit) => {
            if (path === "models/plan") {
                asked.push((JSON.parse(String(options?.body)) as { model: string }).model);
                return new Response(JSON.stringify({ needs: [3, 4], free: [1, 1], fits: false, fits_now: false }));
            }
            if (path === "v1/models") return new Response(JSON.stringify({ data: [{ id: "a" }, { id: "b" }] }));
            const snapshot = "data: {\"model\":\"*\",\"event\":\"snapshot\",\"data\":{\"models\":[{\"id\":\"a\"},{\"id\":\"b\"}]}}\n\n";
            return new Response(path === "models/sse" ? snapshot : "{}");
        },
        channel: { post: () => {}, onMessage: () => {}, close: () => {} },
        session: { read: () => null, write: () => {} },
        local: { read: () => null, write: () => {} },
        random: (count: number) => new Uint8Array(count),
        later: (work: () => void) => work(),
    };
    const models = new Models(environment, new Api(environment));
    models.start();
    await until(() => models.current.models.every(model => model.memory === 7) && models.current.models.length === 2, "plans");
    assert.equal(models.current.isManaged, true);
    assert.deepEqual(models.current.models.map(model => model.fits), [false, false]);
    models.apply({ model: "a", event: "status_change", data: { status: "unloaded", phase: "absent" } });
    await turns();
    assert.equal(models.current.models[0].statusWords, "Not downloaded");
    assert.deepEqual(asked, ["a", "b"]);
});
