/**
 * Server-sent events from bytes.
 *
 * Example: the bytes `id: 7\ndata: {}\n\n` are one event with id "7" and data "{}", however they are cut. Only whole
 * lines are decoded, so a cut inside a UTF-8 character does no harm. An event that the connection's end cuts is never
 * emitted, so a reader that stores the id of the last emitted event can read on behind it.
 */
export interface ServerSentEvent {
    /** The id of this event or of an earlier one; null = no event had one. */
    readonly id: string | null;
    /** The type; "message" if the event names none. */
    readonly type: string;
    /** Lines joined with line feeds; null = the frame has comments or an id only. */
    readonly data: string | null;
    /** The text of lines that begin with a colon. */
    readonly comments: readonly string[];
}

/** A line is longer than any event of the server. */
export class EventTooLarge extends Error {}

const LF = 0x0a;
const CR = 0x0d;

/** Emits the events of a byte stream. Costs time linear in the number of bytes. */
export class EventParser {
    /** Bytes of one line; the server's largest events are whole tool arguments. */
    static readonly maximumLine = 64 * 1024 * 1024;

    private readonly decoder = new TextDecoder("utf-8");
    /** The beginning of a line whose end has not arrived. */
    private rest: Uint8Array[] = [];
    private restLength = 0;
    private lastWasCR = false;
    private isFirstLine = true;
    private id: string | null = null;
    private type = "";
    private data: string[] = [];
    private comments: string[] = [];
    private hasID = false;

    constructor(private readonly emit: (event: ServerSentEvent) => void) {}

    /** Consumes the next bytes of the connection. Throws `EventTooLarge`. */
    append(bytes: Uint8Array): void {
        let begin = 0;
        for (let index = 0; index < bytes.length; index++) {
            const byte = bytes[index];
            if (byte === LF && this.lastWasCR) {
                // The second half of CR LF; the line has ended at the CR.
                this.lastWasCR = false;
                begin = index + 1;
                continue;
            }
            this.lastWasCR = byte === CR;
            if (byte !== LF && byte !== CR) continue;
            this.endLine(bytes.subarray(begin, index));
            begin = index + 1;
        }
        if (begin === bytes.length) return;
        this.restLength += bytes.length - begin;
        if (this.restLength > EventParser.maximumLine) throw new EventTooLarge("A line of the stream is too long");
        // A copy, because the caller may use the buffer again.
        this.rest.push(bytes.slice(begin));
    }

    /** Forgets the incomplete event, as before the first byte of another connection. The last id remains. */
    restart(): void {
        this.rest = [];
        this.restLength = 0;
        this.lastWasCR = false;
        this.isFirstLine = true;
        this.type = "";
        this.data = [];
        this.comments = [];
        this.hasID = false;
    }

    private endLine(tail: Uint8Array): void {
        let line = tail;
        if (this.rest.length > 0) {
            line = new Uint8Array(this.restLength + tail.length);
            let place = 0;
            for (const part of this.rest) {
                line.set(part, place);
                place += part.length;
            }
            line.set(tail, place);
            this.rest = [];
            this.restLength = 0;
        }
        // The decoder drops a byte order mark at the beginning of what it decodes; only the stream may begin with one.
        let text = this.decoder.decode(line);
        if (!this.isFirstLine && line.length > 2 && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) {
            text = "\uFEFF" + text;
        }
        this.isFirstLine = false;
        if (text === "") this.endEvent();
        else this.field(text);
    }

    private field(line: string): void {
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        let value = colon < 0 ? "" : line.slice(colon + 1);
        if (value.startsWith(" ")) value = value.slice(1);
        if (colon === 0) this.comments.push(value);
        else if (name === "data") this.data.push(value);
        else if (name === "event") this.type = value;
        else if (name === "id" && !value.includes("\0")) {
            this.id = value;
            this.hasID = true;
        }
    }

    private endEvent(): void {
        if (this.data.length > 0 || this.comments.length > 0 || this.hasID) {
            this.emit({
                id: this.id,
                type: this.type || "message",
                data: this.data.length > 0 ? this.data.join("\n") : null,
                comments: this.comments,
            });
        }
        this.type = "";
        this.data = [];
        this.comments = [];
        this.hasID = false;
    }
}

/**
 * The order of two ids of the server's numbered events: negative if `left` is earlier.
 *
 * An event with several parts is "24.1", "24.2", "24": the id without a part is the last one. null is before all.
 */
export function compareCursors(left: string | null, right: string | null): number {
    if (left === right) return 0;
    if (left === null) return -1;
    if (right === null) return 1;
    const [leftNumber, leftPart] = numbers(left);
    const [rightNumber, rightPart] = numbers(right);
    if (leftNumber !== rightNumber) return leftNumber - rightNumber;
    return leftPart === rightPart ? 0 : leftPart - rightPart;
}

function numbers(cursor: string): [number, number] {
    const point = cursor.indexOf(".");
    if (point < 0) return [Number(cursor), Number.MAX_SAFE_INTEGER];
    return [Number(cursor.slice(0, point)), Number(cursor.slice(point + 1))];
}

/** The number of an event without its part; -1 for null. */
export function eventNumber(cursor: string | null): number {
    return cursor === null ? -1 : numbers(cursor)[0];
}
