import { json } from "./server";

interface Chat {
    tag: string;
    body: unknown;
    readonly files: Map<string, Blob>;
}

/** The routes below v1/history, as docs/page.md describes them. */
export class StoredHistory {
    readonly chats = new Map<string, Chat>();
    store = "store-1";
    owner = "open";
    /** Writes are refused as by a full server. */
    isFull = false;
    /** Runs before each write: another device may be faster. */
    beforeWrite: () => void = () => {};
    private number = 0;
    private version = 0;

    respond(method: string, path: readonly string[], options: RequestInit, headers: Map<string, string>): Response {
        const [id, kind, file] = path;
        if (id === undefined) return this.list(headers);
        if (kind === "files") return this.file(method, id, file, options);
        if (method === "PUT") this.beforeWrite();
        const chat = this.chats.get(id);
        const isWrite = method === "PUT" || method === "DELETE";
        const match = headers.get("If-Match");
        if (isWrite && match !== undefined && match !== `"${chat?.tag}"`) return json(412, { error: { code: 412, message: "changed" } });
        if (method === "PUT" && headers.get("If-None-Match") === "*" && chat) return json(412, { error: { code: 412, message: "exists" } });
        if (method === "PUT" && match === undefined && headers.get("If-None-Match") === undefined) throw new Error("a write without a condition");
        if (method === "PUT" && this.isFull) return json(507, { error: { code: 507, message: "full" } });
        if (method === "PUT") {
            const tag = this.put(id, JSON.parse(String(options.body)));
            return json(200, { id, etag: tag });
        }
        if (!chat) return json(404, { error: { code: 404, message: "missing" } });
        if (method === "DELETE") {
            this.remove(id);
            return json(200, { deleted: true });
        }
        return new Response(JSON.stringify(chat.body), { status: 200, headers: { ETag: `"${chat.tag}"` } });
    }

    put(id: string, body: unknown): string {
        const tag = `t${(this.number += 1)}`;
        this.chats.set(id, { tag, body, files: this.chats.get(id)?.files ?? new Map() });
        this.version += 1;
        return tag;
    }

    remove(id: string): void {
        this.chats.delete(id);
        this.version += 1;
    }

    /** The folder is another, empty one. */
    lose(): void {
        this.chats.clear();
        this.store = "store-2";
        this.version += 1;
    }

    private list(headers: Map<string, string>): Response {
        const tag = `"${this.store}-${this.owner}-${this.version}"`;
        if (headers.get("If-None-Match") === tag) return new Response(null, { status: 304 });
        const data = [...this.chats].map(([id, chat]) => ({ id, etag: chat.tag, files: [...chat.files.keys()] }));
        return new Response(JSON.stringify({ store: this.store, owner: this.owner, data }), { status: 200, headers: { ETag: tag } });
    }

    private file(method: string, id: string, file: string, options: RequestInit): Response {
        const files = this.chats.get(id)?.files;
        if (!files) return json(404, { error: { code: 404, message: "missing" } });
        this.version += 1;
        if (method === "PUT") files.set(file, options.body as Blob);
        if (method === "DELETE") files.delete(file);
        const blob = files.get(file);
        if (method !== "GET") return json(200, {});
        return blob ? new Response(blob, { status: 200 }) : json(404, { error: { code: 404, message: "missing" } });
    }
}
