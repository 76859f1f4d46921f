import assert from "node:assert/strict";
import { test } from "node:test";
import { Answer, failureFrom } from "../../src/engine/answer";
import { newMessage } from "../../src/engine/records";
import type { ServerSentEvent } from "../../src/engine/sse";
import type { Message } from "../../src/engine/types";

function running(members: Partial<Message> = {}): Message {
    return newMessage({
        id: "m", conversation: "c", parent: null, role: "assistant", createdAt: 0, text: "", state: "queued",
        stream: { label: "c.m.1", generation: "g", cursor: null, startedAt: 0, baseText: 0, baseReasoning: 0 }, ...members,
    });
}

function chunk(id: string, members: { [name: string]: unknown }): ServerSentEvent {
    return { id, type: "message", data: JSON.stringify(members), comments: [] };
}

function delta(id: string, members: { [name: string]: unknown }): ServerSentEvent {
    return chunk(id, { choices: [{ index: 0, delta: members }] });
}

function control(id: string, members: { [name: string]: unknown }): ServerSentEvent {
    return { id, type: "message", data: null, comments: ["martlet-control " + JSON.stringify(members)] };
}

const done = (id: string): ServerSentEvent => ({ id, type: "message", data: "[DONE]", comments: [] });

test("textReasoningAndStateFollowTheChunks", () => {
    const answer = new Answer(running());
    // The server knows the prompt of an answer that still waits for its turn.
    answer.append(chunk("0", { choices: [], prompt_progress: { total: 10, processed: 0, time_ms: 0, queue_position: 0 } }), 0);
    assert.equal(answer.state, "queued");
    answer.append(chunk("1", { choices: [], prompt_progress: { total: 10, processed: 5, time_ms: 7 } }), 0);
    assert.equal(answer.state, "prompting");
    answer.append(delta("2", { reasoning_content: "Hm" }), 100);
    assert.equal(answer.state, "reasoning");
    answer.append(delta("3", { content: "Yes" }), 350);
    assert.equal(answer.state, "answering");
    assert.equal(answer.statistics.reasoningTime, 250);
    assert.equal(answer.statistics.firstToken, 100);
    answer.append(chunk("4.1", { choices: [{ delta: {}, finish_reason: "stop" }] }), 400);
    assert.equal(answer.append(done("4"), 400), "ended");
    assert.deepEqual([answer.state, answer.text, answer.reasoning, answer.finishReason], ["done", "Yes", "Hm", "stop"]);
});

test("anEventThatIsNotBehindTheCursorIsIgnored", () => {
    const answer = new Answer(running());
    for (const id of ["1", "2", "2", "1", "3.1", "3.1", "3"]) answer.append(delta(id, { content: id + " " }), 0);
    assert.equal(answer.text, "1 2 3.1 3 ");
    assert.equal(answer.cursor, "3");
});

test("toolCallsGrowByIndex", () => {
    const answer = new Answer(running());
    answer.append(delta("1", { tool_calls: [{ index: 0, id: "x", function: { name: "sum", arguments: "" } }] }), 0);
    answer.append(delta("2", { tool_calls: [{ index: 0, function: { arguments: "{\"a\":" } }] }), 0);
    answer.append(delta("3", { tool_calls: [{ index: 1, id: "y", function: { name: "now", arguments: "{}" } }] }), 0);
    answer.append(delta("4", { tool_calls: [{ index: 0, function: { arguments: "1}" } }] }), 0);
    assert.deepEqual(answer.toolCalls, [
        { id: "x", name: "sum", arguments: "{\"a\":1}" },
        { id: "y", name: "now", arguments: "{}" },
    ]);
    answer.append(delta("5", { tool_calls: [{ index: 999_999_999, function: { name: "x" } }] }), 0);
    assert.equal(answer.toolCalls.length, 2);
});

test("aRewindRemovesTheTextOfTheEventsBehindIt", () => {
    const answer = new Answer(running({ text: "Base. ", stream: {
        label: "c.m.2", generation: "g", cursor: null, startedAt: 0, baseText: 6, baseReasoning: 0,
    } }));
    for (const id of ["1", "2", "3", "4"]) answer.append(delta(id, { content: id }), 0);
    assert.equal(answer.append(control("5", { action: "rewind", cut_event: 3 }), 0), "open");
    assert.equal(answer.text, "Base. 12");
    answer.append(delta("6", { content: "6" }), 0);
    answer.append(control("7", { action: "rewind", cut_event: 2 }), 0);
    assert.equal(answer.text, "Base. 1");
});

test("aRewindBehindAReloadReadsTheStreamAgain", () => {
    const answer = new Answer(running({ text: "Base. 12", stream: {
        label: "c.m.2", generation: "g", cursor: "2", startedAt: 0, baseText: 6, baseReasoning: 0,
    } }));
    answer.append(delta("3", { content: "3" }), 0);
    assert.equal(answer.append(control("4", { action: "rewind", cut_event: 2 }), 0), "replay");
    assert.deepEqual([answer.text, answer.cursor], ["Base. ", null]);
    for (const id of ["1", "2", "3"]) answer.append(delta(id, { content: id }), 0);
    assert.equal(answer.append(control("4", { action: "rewind", cut_event: 2 }), 0), "open");
    answer.append(delta("5", { content: "5" }), 0);
    assert.equal(answer.text, "Base. 15");
});

test("pauseResumeAndStopAreReadFromTheStream", () => {
    const answer = new Answer(running());
    answer.append(delta("1", { content: "a" }), 0);
    answer.append(control("2", { action: "pause" }), 0);
    assert.equal(answer.state, "paused");
    answer.append(delta("3", { content: "b" }), 0);
    assert.equal(answer.state, "paused");
    answer.append(control("4", { action: "resume" }), 0);
    assert.equal(answer.state, "answering");
    answer.append(control("5", { action: "stop" }), 0);
    answer.append(done("6"), 0);
    assert.equal(answer.state, "stopped");
});

test("aHandoverDoesNotMoveTheCursor", () => {
    const answer = new Answer(running());
    answer.append(delta("1", { content: "a" }), 0);
    assert.equal(answer.append({ id: "2", type: "handover", data: "{}", comments: [] }, 0), "handover");
    assert.equal(answer.cursor, "1");
    answer.append(delta("2", { content: "b" }), 0);
    assert.equal(answer.text, "ab");
});

test("anErrorInTheStreamFailsTheAnswerAndKeepsItsText", () => {
    const answer = new Answer(running());
    answer.append(delta("1", { content: "part" }), 0);
    answer.append(chunk("2.1", { error: { message: "out of memory", code: 500 } }), 0);
    answer.append(done("2"), 0);
    assert.deepEqual([answer.state, answer.text, answer.failure?.message], ["failed", "part", "out of memory"]);
});

test("dataThatIsNotTheAPIsDoesNoHarm", () => {
    const answer = new Answer(running());
    for (const data of ["", "null", "3", "[]", "{", "{\"choices\":3}", "{\"choices\":[null,{\"delta\":[]}]}", "{\"error\":null}"]) {
        answer.append({ id: null, type: "message", data, comments: ["martlet-control {", "x"] }, 0);
    }
    assert.equal(answer.text, "");
    assert.equal(answer.state, "queued");
});

test("anOverflowHasBothNumbers", () => {
    const failure = failureFrom(400, { error: {
        code: 400, message: "too long", type: "exceed_context_size_error", n_prompt_tokens: 9009, n_ctx: 4096,
    } }, "");
    assert.deepEqual(failure, {
        message: "too long", status: 400, code: "exceed_context_size_error", promptTokens: 9009, contextTokens: 4096,
    });
});
