import assert from "node:assert/strict";
import { test } from "node:test";
import { compareCursors, eventNumber, EventParser, EventTooLarge } from "../../src/engine/sse";
import type { ServerSentEvent } from "../../src/engine/sse";

function parsed(...pieces: Uint8Array[]): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const parser = new EventParser(event => events.push(event));
    for (const piece of pieces) parser.append(piece);
    return events;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sample = "\uFEFFid: 7\r\ndata: {\"t\": \"größe 🐦 \uFEFF\"}\r\n\r\n: ping\n\nid: 8\revent: handover\rdata: a\rdata:  b\r\r"
    + "id: 9\n: martlet-control {}\n\nretry: 5\ndata\n\ndata: cut";

test("everyCutOfTheBytesGivesTheSameEvents", () => {
    const whole = bytes(sample);
    const expected = parsed(whole);
    assert.equal(expected.length, 5);
    for (let first = 0; first <= whole.length; first += 1) {
        assert.deepEqual(parsed(whole.slice(0, first), whole.slice(first)), expected, `cut at ${first}`);
    }
    assert.deepEqual(parsed(...Array.from(whole, byte => Uint8Array.of(byte))), expected);
});

test("fieldsAreReadAsTheStandardSays", () => {
    const [first, ping, second, control, empty] = parsed(bytes(sample));
    assert.deepEqual(first, { id: "7", type: "message", data: "{\"t\": \"größe 🐦 \uFEFF\"}", comments: [] });
    assert.deepEqual(ping, { id: "7", type: "message", data: null, comments: ["ping"] });
    assert.deepEqual(second, { id: "8", type: "handover", data: "a\n b", comments: [] });
    assert.deepEqual(control, { id: "9", type: "message", data: null, comments: ["martlet-control {}"] });
    assert.equal(empty.data, "");
});

test("anEventWithoutItsEmptyLineIsNotEmitted", () => {
    assert.deepEqual(parsed(bytes("id: 1\ndata: x\n")), []);
});

test("anIDWithAZeroIsIgnored", () => {
    assert.equal(parsed(bytes("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"))[1].id, "1");
});

test("aBufferThatIsUsedAgainDoesNoHarm", () => {
    const events: ServerSentEvent[] = [];
    const parser = new EventParser(event => events.push(event));
    const buffer = bytes("data: first");
    parser.append(buffer);
    buffer.fill(0x78);
    parser.append(bytes(" piece\n\n"));
    assert.equal(events[0].data, "first piece");
});

test("aLineWithoutEndIsRefused", () => {
    const parser = new EventParser(() => {});
    const piece = new Uint8Array(8 * 1024 * 1024).fill(0x61);
    assert.throws(() => {
        for (let count = 0; count < 9; count += 1) parser.append(piece);
    }, /too long/);
    assert(new EventTooLarge("x") instanceof Error);
});

test("idsAreOrderedByNumberThenByPart", () => {
    const order = [null, "0", "2", "9", "10.1", "10.2", "10", "11"];
    for (let left = 0; left < order.length; left += 1) {
        for (let right = 0; right < order.length; right += 1) {
            assert.equal(Math.sign(compareCursors(order[left], order[right])), Math.sign(left - right));
        }
    }
    assert.equal(eventNumber("24.1"), 24);
    assert.equal(eventNumber(null), -1);
});
