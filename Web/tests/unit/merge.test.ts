import assert from "node:assert/strict";
import { test } from "node:test";
import { baseOf, documentFrom, hasChanged, merged } from "../../src/engine/history/merge";
import type { Base, ChatDocument } from "../../src/engine/history/merge";
import { newMessage } from "../../src/engine/records";
import type { Conversation, Message } from "../../src/engine/types";

/** The merge of two versions of a conversation. */

function conversation(changes: Partial<Conversation> = {}): Conversation {
    return {
        id: "c", title: "One", isTitleManual: false, createdAt: 1, updatedAt: 1, isPinned: false, model: null, overrides: {},
        leaf: null, chosen: {}, origin: null, isUnread: false, ...changes,
    };
}

function chat(messages: readonly Message[], changes: Partial<Conversation> = {}): ChatDocument {
    return { version: 1, conversation: conversation(changes), messages };
}

function one(id: string, parent: string | null, changes: Partial<Message> = {}): Message {
    return newMessage({ id, parent, conversation: "c", role: "user", createdAt: Number(id.slice(1)), text: id, ...changes });
}

const [first, second] = [one("m1", null), one("m2", "m1")];
const start = chat([first, second]);

test("eachSideKeepsWhatOnlyItChanged", () => {
    const mine = chat([first, { ...second, text: "mine", revision: 1 }, one("m3", "m2")], { title: "Mine", isTitleManual: true });
    const theirs = chat([{ ...first, text: "theirs", revision: 1 }, second, one("m4", "m1")], { isPinned: true, updatedAt: 5 });
    const result = merged(baseOf(start), mine, theirs);
    assert.deepEqual(result.messages.map(message => [message.id, message.text]), [["m1", "theirs"], ["m2", "mine"], ["m3", "m3"], ["m4", "m4"]]);
    assert.equal(result.conversation.title, "Mine");
    assert.equal(result.conversation.isPinned, true);
    assert.equal(result.conversation.updatedAt, 5);
    assert.deepEqual(merged(baseOf(start), start, start), start);
});

test("aRemovalWinsOverNothingButAnUnchangedMessage", () => {
    const without = chat([first]);
    assert.deepEqual(merged(baseOf(start), without, start).messages.map(message => message.id), ["m1"]);
    assert.deepEqual(merged(baseOf(start), start, without).messages.map(message => message.id), ["m1"]);
    const changed = chat([first, { ...second, text: "new", revision: 1 }]);
    assert.deepEqual(merged(baseOf(start), without, changed).messages.map(message => message.id), ["m1", "m2"]);
    // An answer to a removed question brings the question back.
    const answered = chat([first, second, one("m3", "m2")]);
    assert.deepEqual(merged(baseOf(start), chat([]), answered).messages.map(message => message.id), ["m1", "m2", "m3"]);
    // Without a base nothing counts as removed.
    assert.deepEqual(merged(null, without, start).messages.map(message => message.id), ["m1", "m2"]);
});

test("theMoreCompleteAnswerWins", () => {
    const stream = { label: "c.m2.1", generation: "g", cursor: null, startedAt: 1, baseText: 0, baseReasoning: 0 };
    const begun: Message = { ...second, role: "assistant", state: "answering", text: "a", stream };
    const base = baseOf(chat([first, begun]));
    const side = (changes: Partial<Message>): ChatDocument => chat([first, { ...begun, ...changes }]);
    const table: [Partial<Message>, Partial<Message>, string][] = [
        [{ state: "done", text: "abc", revision: 2 }, { state: "interrupted", text: "ab", revision: 9 }, "abc"],
        [{ state: "interrupted", text: "ab", revision: 9 }, { state: "done", text: "abc", revision: 2 }, "abc"],
        [{ state: "answering", text: "ab", revision: 3 }, { state: "done", text: "abc", revision: 2 }, "abc"],
        [{ state: "done", text: "abc", revision: 2 }, { state: "answering", text: "ab", revision: 3 }, "abc"],
        // This browser reads the stream itself.
        [{ state: "answering", text: "abcd", revision: 1 }, { state: "reasoning", text: "a", revision: 2 }, "abcd"],
        [{ state: "done", text: "x", revision: 4 }, { state: "done", text: "y", revision: 3 }, "x"],
        [{ state: "done", text: "x", revision: 3 }, { state: "done", text: "y", revision: 3 }, "y"],
        // An edit wins over the end of the answer that the other device read, however often each one's revision grew.
        [{ state: "stopped", text: "x", revision: 5, editedAt: 7 }, { state: "stopped", text: "xyz", revision: 9 }, "x"],
        [{ state: "done", text: "xyz", revision: 9 }, { state: "stopped", text: "x", revision: 5, editedAt: 7 }, "x"],
        [{ state: "done", text: "x", revision: 9, editedAt: 6 }, { state: "done", text: "y", revision: 5, editedAt: 7 }, "y"],
    ];
    for (const [mine, theirs, text] of table) assert.equal(merged(base, side(mine), side(theirs)).messages[1].text, text);
});

test("otherJSONIsNoDocument", () => {
    for (const json of [null, 1, [], {}, { version: 2, conversation: conversation(), messages: [] }, { version: 1, conversation: {}, messages: [] },
        { ...start, messages: [{}] }, { ...start, messages: [{ ...first, conversation: "other" }] }, { ...start, messages: {} }]) {
        assert.equal(documentFrom(json), null);
    }
    assert.equal(documentFrom(start), start);
});

/** Numbers from 0 to 1 that a seed decides. */
function random(seed: number): () => number {
    let state = seed;
    return () => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        return state / 2_147_483_648;
    };
}

test("devicesThatExchangeAllVersionsBecomeEqualAndLoseNothing", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
        const next = random(seed);
        const pick = (count: number): number => Math.floor(next() * count);
        const devices: { document: ChatDocument; base: Base | null }[] = [0, 1, 2].map(() => ({ document: start, base: null }));
        let server = start;
        let number = 10;
        const removed = new Set<string>();
        const added = new Set<string>(["m1", "m2"]);
        const exchange = (device: (typeof devices)[number]): void => {
            const result = merged(device.base, device.document, server);
            if (hasChanged(baseOf(server), result)) server = result;
            device.document = result;
            device.base = baseOf(server);
        };
        for (const device of devices) exchange(device);
        for (let step = 0; step < 40; step += 1) {
            const device = devices[pick(3)];
            const { messages } = device.document;
            const message = messages[pick(messages.length)];
            const action = pick(5);
            if (action === 0 || !message) {
                const id = `m${(number += 1)}`;
                added.add(id);
                device.document = { ...device.document, messages: [...messages, one(id, message?.id ?? null)] };
            } else if (action === 1) {
                const changed = { ...message, text: `${seed}.${step}`, revision: message.revision + 1 };
                device.document = { ...device.document, messages: messages.map(other => (other === message ? changed : other)) };
            } else if (action === 2 && !messages.some(other => other.parent === message.id)) {
                removed.add(message.id);
                device.document = { ...device.document, messages: messages.filter(other => other !== message) };
            } else if (action === 3) {
                const title = `${seed}.${step}`;
                device.document = { ...device.document, conversation: { ...device.document.conversation, title, updatedAt: step + 2 } };
            } else {
                exchange(device);
            }
        }
        for (let round = 0; round < 3; round += 1) for (const device of devices) exchange(device);
        // The time of the last change alone is no change.
        const timeless = ({ conversation, messages }: ChatDocument): unknown => [{ ...conversation, updatedAt: 0 }, messages];
        for (const device of devices) assert.deepEqual(timeless(device.document), timeless(server), `seed ${seed}`);
        const kept = new Set(server.messages.map(message => message.id));
        for (const id of added) assert.equal(kept.has(id) || removed.has(id), true, `seed ${seed}: ${id} is lost`);
        for (const { parent } of server.messages) assert.equal(parent === null || kept.has(parent), true, `seed ${seed}: ${parent}`);
    }
});
