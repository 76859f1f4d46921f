import type { Api } from "./api";
import type { Environment } from "./environment";

/** What a stop asks of the answer that it ends, and tells it. */
export interface StopOwner {
    /** The page has no text of the generation; the server may have some. */
    hasNoText(): boolean;
    /** The server has replied, so the end of the stream is near. */
    replied(): void;
    /** The first attempt had no success; more follow. */
    failed(): void;
}

/**
 * Tells the server to stop a generation, until it has replied. Never rejects.
 *
 * A generation that has ended refuses the command and keeps its text; DELETE would remove it. A queued one has no text, and one
 * that waits for its model answers no command until the model is there, so a queued one is deleted.
 */
export async function sendStop(environment: Environment, api: Api, generation: string, owner: StopOwner): Promise<void> {
    const path = "v1/generations/" + encodeURIComponent(generation);
    for (let attempt = 0; attempt < 60; attempt += 1) {
        const isQueued = owner.hasNoText() && (await stateOf(api, path)) === "queued";
        const reply = isQueued
            ? await api.request("DELETE", path, undefined, 10_000)
            : await api.request("POST", path + "/control", { action: "stop" }, 10_000);
        owner.replied();
        if (reply.kind === "ok") return;
        if (reply.kind === "refused" && (reply.failure.status === 404 || reply.failure.status === 409)) return;
        if (attempt === 0) owner.failed();
        await new Promise<void>(resolve => environment.clock.after(Math.min(8_000, 500 * 2 ** attempt), resolve));
    }
}

async function stateOf(api: Api, path: string): Promise<unknown> {
    const reply = await api.request("GET", path, undefined, 10_000);
    return reply.kind === "ok" ? (reply.body as { state?: unknown } | undefined)?.state : undefined;
}
