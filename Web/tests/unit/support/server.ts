import type { StoredHistory } from "./history";
/**
 * A server in the test's process with the routes that the engine uses. Tests decide what arrives, and when.
 *
 * It follows docs/streams.md: a generation has a log of numbered events, `Last-Event-ID` reads on behind an event, and an
 * ended log that was read answers 204. The browser tests run the same engine against the real server.
 */
export interface Generation {
    readonly id: string;
    readonly label: string | null;
    readonly body: { [name: string]: unknown };
    /** Frames by id: the bytes of one event without its `id:` line. */
    readonly log: { readonly id: string; readonly frame: string }[];
    state: "queued" | "running" | "finished" | "failed";
    isStopped: boolean;
}

interface Connection {
    readonly generation: Generation;
    readonly controller: ReadableStreamDefaultController<Uint8Array>;
    sent: number;
    isOpen: boolean;
}

export class ScriptedServer {
    /** The stored chats; null = the server runs without --history. */
    history: StoredHistory | null = null;
    readonly generations: Generation[] = [];
    /** Every request: "POST v1/chat/completions". */
    readonly requests: string[] = [];
    readonly controls: { readonly generation: string; readonly command: { [name: string]: unknown } }[] = [];
    now: () => number = () => 0;
    /** The port is closed: every request fails. */
    isDown = false;
    /** Requests get no answer until this is false. */
    isSilent = false;
    /** The server accepts the next POST, and its reply is lost. */
    losesNextReply = false;
    /** Answer to POST instead of an acceptance. */
    refusal: { status: number; body: unknown } | null = null;
    key: string | null = null;
    /** Generations begin in the queue, without an event. */
    queues = false;
    private connections: Connection[] = [];
    private number = 0;
    /** The bytes of a frame are sent in pieces of this size; 0 = whole frames. */
    pieceSize = 0;

    get openStreams(): number {
        return this.connections.filter(connection => connection.isOpen).length;
    }

    async fetch(path: string, options: RequestInit = {}, isGone: () => boolean = () => false): Promise<Response> {
        const method = options.method ?? "GET";
        this.requests.push(`${method} ${path}`);
        const { signal } = options;
        if (this.isDown || isGone()) throw new TypeError("fetch failed");
        if (this.isSilent) {
            await new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
        }
        const headers = new Map(Object.entries((options.headers ?? {}) as { [name: string]: string }));
        if (this.key !== null && headers.get("Authorization") !== "Bearer " + this.key) {
            return json(401, { error: { message: "A key is needed", code: 401, type: "authentication_error" } });
        }
        const response = await this.route(method, path, options, headers);
        if (this.losesNextReply && method === "POST" && path === "v1/chat/completions") {
            this.losesNextReply = false;
            throw new TypeError("connection reset");
        }
        return response;
    }

    private route(
        method: string, path: string, options: RequestInit, headers: Map<string, string>,
    ): Response | Promise<Response> {
        const [route, query] = path.split("?");
        const parts = route.split("/");
        if (route === "props") return json(200, { build_info: "test", default_generation_settings: { params: { temperature: 0.8 } }, endpoint_history: this.history !== null });
        if (parts[1] === "history") return this.history?.respond(method, parts.slice(2), options, headers) ?? json(400, { error: { message: "off" } });
        if (route === "v1/models") return json(200, { data: [{ id: "bird" }] });
        if (route === "v1/chat/completions" && method === "POST") return this.begin(options, headers);
        if (route === "v1/generations") {
            const label = new URLSearchParams(query).get("label");
            const found = this.generations.filter(one => label === null || one.label === label);
            return json(200, { data: found.map(one => this.status(one)) });
        }
        if (parts[0] === "v1" && parts[1] === "generations") {
            const generation = this.generations.find(one => one.id === parts[2]);
            if (!generation) return json(404, { error: { message: "Generation not found or expired", code: 404 } });
            if (parts[3] === "events") return this.events(generation, headers.get("Last-Event-ID") ?? null, options.signal);
            if (parts[3] === "control") return this.control(generation, JSON.parse(String(options.body)));
            if (method === "DELETE") return this.remove(generation);
            return json(200, this.status(generation));
        }
        return json(404, { error: { message: "There is no route", code: 404 } });
    }

    private status(generation: Generation): unknown {
        const last = generation.log[generation.log.length - 1];
        return {
            id: generation.id, label: generation.label, state: generation.state, queue_position: generation.state === "queued" ? 2 : null,
            last_event: last ? Number(last.id.split(".")[0]) : null,
        };
    }

    /** The titles that were asked for, and what the model writes; null = the request stays open. */
    readonly titleRequests: { [name: string]: unknown }[] = [];
    title: string | null = "A title";

    private begin(options: RequestInit, headers: Map<string, string>): Response | Promise<Response> {
        const body = JSON.parse(String(options.body)) as { [name: string]: unknown };
        if (body.stream === false) {
            this.titleRequests.push(body);
            if (this.title !== null) return json(200, { choices: [{ message: { content: this.title } }] });
            return new Promise((_, reject) => options.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
        }
        if (this.refusal) return json(this.refusal.status, this.refusal.body);
        const label = headers.get("X-Conversation-Id") ?? null;
        this.number += 1;
        const generation: Generation = {
            id: `chatcmpl-${this.number}`,
            label,
            body: JSON.parse(String(options.body)),
            log: [],
            state: this.queues ? "queued" : "running",
            isStopped: false,
        };
        // A newer stream with the same label stops the older one.
        for (const older of this.generations) if (older.label === label && older.state === "running") this.stop(older);
        // The newest first, as the real list.
        this.generations.unshift(generation);
        return new Response(new ReadableStream(), { status: 200, headers: { "X-Generation-Id": generation.id } });
    }

    private control(generation: Generation, command: { [name: string]: unknown }): Response {
        this.controls.push({ generation: generation.id, command });
        if (generation.state === "finished" || generation.state === "failed") {
            return json(409, { error: { code: 409, message: "The generation has ended", reason: "finished" } });
        }
        // A generation that waits for its model gives no reply until the model is there.
        if (generation.state === "queued") return json(503, { error: { message: "The model loads", code: 503 } });
        if (command.action === "stop") this.stop(generation);
        else this.comment(generation, { action: command.action, applied: true });
        if (command.action === "fork") return json(200, { applied: true, ids: [] });
        return json(200, { applied: true });
    }

    /** A running generation is cancelled and stays; an ended one goes, with its text. */
    private remove(generation: Generation): Response {
        if (generation.state === "queued" || generation.state === "running") {
            generation.isStopped = true;
            this.finish(generation, "cancelled");
        } else {
            this.generations.splice(this.generations.indexOf(generation), 1);
        }
        return json(200, this.status(generation));
    }

    private stop(generation: Generation): void {
        generation.isStopped = true;
        this.comment(generation, { action: "stop", applied: true });
        this.finish(generation, "stop");
    }

    private events(generation: Generation, cursor: string | null, signal?: AbortSignal | null): Response {
        const isEnded = generation.state === "finished" || generation.state === "failed";
        let next = 0;
        if (cursor !== null) {
            next = generation.log.findIndex(event => event.id === cursor) + 1;
            if (next === 0) return json(400, { error: { code: 400, message: "Value must be the number of an event" } });
        }
        if (isEnded && next === generation.log.length) return new Response(null, { status: 204 });
        const stream = new ReadableStream<Uint8Array>({
            start: controller => {
                const connection: Connection = { generation, controller, sent: next, isOpen: true };
                this.connections.push(connection);
                signal?.addEventListener("abort", () => this.end(connection, true));
                this.flush(connection);
            },
        });
        return new Response(stream, { status: 200 });
    }

    private flush(connection: Connection): void {
        if (!connection.isOpen) return;
        const { generation } = connection;
        for (; connection.sent < generation.log.length; connection.sent += 1) {
            const event = generation.log[connection.sent];
            const bytes = new TextEncoder().encode(`id: ${event.id}\n${event.frame}\n`);
            const size = this.pieceSize || bytes.length;
            for (let place = 0; place < bytes.length; place += size) {
                connection.controller.enqueue(bytes.slice(place, place + size));
            }
        }
        if (generation.state === "finished" || generation.state === "failed") this.end(connection, false);
    }

    private end(connection: Connection, isBroken: boolean): void {
        if (!connection.isOpen) return;
        connection.isOpen = false;
        try {
            if (isBroken) connection.controller.error(new TypeError("connection reset"));
            else connection.controller.close();
        } catch {
            // The reader has left.
        }
    }

    // --- What a test lets happen ---------------------------------------------------------------------------------------

    private append(generation: Generation, frame: string): void {
        generation.state = "running";
        generation.log.push({ id: String(generation.log.length + 1), frame });
        for (const connection of this.connections) if (connection.generation === generation) this.flush(connection);
    }

    /** A chunk with any members of `delta`. */
    delta(generation: Generation, delta: { [name: string]: unknown }): void {
        this.append(generation, "data: " + JSON.stringify({ model: "bird", choices: [{ index: 0, delta }] }) + "\n");
    }

    text(generation: Generation, content: string): void {
        this.delta(generation, { content });
    }

    think(generation: Generation, reasoning: string): void {
        this.delta(generation, { reasoning_content: reasoning });
    }

    comment(generation: Generation, command: { [name: string]: unknown }): void {
        this.append(generation, ": martlet-control " + JSON.stringify(command) + "\n");
    }

    /** A frame in its own words, such as a handover. It is not part of the log. */
    raw(generation: Generation, text: string): void {
        for (const connection of this.connections) {
            if (connection.generation === generation && connection.isOpen) {
                connection.controller.enqueue(new TextEncoder().encode(text));
            }
        }
    }

    finish(generation: Generation, reason: string): void {
        const number = generation.log.length + 1;
        const finish = "data: " + JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }) + "\n";
        const usage = "data: " + JSON.stringify({
            choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
        }) + "\n";
        generation.log.push({ id: `${number}.1`, frame: finish }, { id: `${number}.2`, frame: usage });
        generation.log.push({ id: String(number), frame: "data: [DONE]\n" });
        generation.state = "finished";
        for (const connection of this.connections) if (connection.generation === generation) this.flush(connection);
    }

    /** All connections are reset. */
    dropConnections(): void {
        for (const connection of this.connections) this.end(connection, true);
    }

    /** Connections stay open and deliver nothing any more. */
    stall(): void {
        for (const connection of this.connections) connection.sent = Number.MAX_SAFE_INTEGER;
    }

    /** A restart without journals. */
    forget(): void {
        this.dropConnections();
        this.generations.length = 0;
    }
}

export function json(status: number, body: unknown): Response {
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}
