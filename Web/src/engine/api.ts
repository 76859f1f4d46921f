import type { Environment } from "./environment";
import { failureFrom, parse } from "./answer";
import type { Failure, JSONValue } from "./types";

/** The reply to a request: a body, a refusal of the server, or nothing. */
export type Reply =
    | { readonly kind: "ok"; readonly status: number; readonly body: JSONValue | undefined; readonly headers: Headers }
    | { readonly kind: "refused"; readonly failure: Failure }
    /** No response: the network, or the time limit. The server may have done what the request asks. */
    | { readonly kind: "lost" };

const keyName = "martlet.key";

/** Requests to the server, with the key of the user. Paths are relative to the page. */
export class Api {
    /** Called when the server answers 401 or 403, and when it accepts a request again. */
    onKey: (isRefused: boolean) => void = () => {};

    constructor(private readonly environment: Environment) {}

    get key(): string | null {
        return this.environment.session.read(keyName) ?? this.environment.local.read(keyName);
    }

    /** Stores a key until the tab ends (`session`) or for the browser. */
    setKey(key: string, keep: "session" | "browser"): void {
        this.environment.session.write(keyName, keep === "session" ? key : null);
        this.environment.local.write(keyName, keep === "browser" ? key : null);
    }

    forgetKey(): void {
        this.environment.session.write(keyName, null);
        this.environment.local.write(keyName, null);
    }

    headers(more: { [name: string]: string } = {}): { [name: string]: string } {
        const key = this.key;
        return key === null ? more : { Authorization: "Bearer " + key, ...more };
    }

    /** A response whose body is a stream. Rejects if there is no response. */
    async open(path: string, options: RequestInit, more: { [name: string]: string } = {}): Promise<Response> {
        const response = await this.environment.fetch(path, { ...options, headers: this.headers(more), cache: "no-store" });
        if (response.status === 401 || response.status === 403) this.onKey(true);
        else if (response.ok) this.onKey(false);
        return response;
    }

    /**
     * A request with a JSON body, if `body` is given, and a JSON response. Never rejects.
     * - `limit`: milliseconds until the reply counts as lost.
     * - `signal`: ends the request; the reply counts as lost.
     * - `fields`: further header fields.
     */
    async request(
        method: "GET" | "POST" | "DELETE" | "PUT",
        path: string,
        body?: JSONValue,
        limit = 30_000,
        signal?: AbortSignal,
        fields: { readonly [name: string]: string } = {},
    ): Promise<Reply> {
        const controller = new AbortController();
        signal?.addEventListener("abort", () => controller.abort());
        const cancel = this.environment.clock.after(limit, () => controller.abort());
        try {
            const more: { [name: string]: string } = { ...fields };
            if (body !== undefined) more["Content-Type"] = "application/json";
            const content = body === undefined ? {} : { body: JSON.stringify(body) };
            const response = await this.open(path, { method, signal: controller.signal, ...content }, more);
            const text = await response.text();
            const json = parse(text);
            if (response.ok) return { kind: "ok", status: response.status, body: json, headers: response.headers };
            return { kind: "refused", failure: failureFrom(response.status, json, `${response.status} ${response.statusText}`) };
        } catch {
            return { kind: "lost" };
        } finally {
            cancel();
        }
    }
}
