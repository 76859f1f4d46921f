import type { Database } from "../database";
import type { Parts } from "../parts";
import type { StoredBlob } from "../requests";
import type { ConversationID } from "../types";
import type { ChatDocument } from "./merge";

/** The names that the server accepts. */
export const nameRule = /^[A-Za-z0-9._~-]{1,60}$/;

/** The attachments of conversations on the server: files beside their conversation. */
export class ChatFiles {
    constructor(private readonly parts: Parts) {}

    private get database(): Database {
        return this.parts.store.database;
    }

    /** The attachments whose bytes are no part of a message. */
    private static named(document: ChatDocument): string[] {
        return document.messages.flatMap(one => one.attachments).filter(one => one.kind !== "text").map(one => one.id);
    }

    /** Writes the attachments that the server lacks, and removes those that no message names. `there` = what the server has. */
    async write(document: ChatDocument, there: readonly string[]): Promise<void> {
        const here = new Set(ChatFiles.named(document).filter(file => nameRule.test(file)));
        const path = (file: string): string => `v1/history/${document.conversation.id}/files/${file}`;
        for (const file of here) {
            const stored = there.includes(file) ? undefined : await this.database.get<StoredBlob>("blobs", file);
            if (stored) await this.parts.api.open(path(file), { method: "PUT", body: stored.blob }).catch(() => undefined);
        }
        for (const file of there) if (!here.has(file)) await this.parts.api.request("DELETE", path(file));
    }

    /** Reads the attachments that this browser lacks. */
    async read(document: ChatDocument): Promise<void> {
        for (const file of ChatFiles.named(document)) await this.file(document.conversation.id, file).catch(() => null);
    }

    /** The bytes of an attachment: those of this browser, otherwise those of the server. */
    async file(conversation: ConversationID, id: string): Promise<Blob | null> {
        const stored = await this.database.get<StoredBlob>("blobs", id);
        if (stored) return stored.blob;
        const response = await this.parts.api.open(`v1/history/${conversation}/files/${id}`, { method: "GET" });
        if (!response.ok) return null;
        const record: StoredBlob = { id, blob: await response.blob() };
        await this.parts.store.commit([], () => [{ put: ["blobs", record] }]);
        return record.blob;
    }
}
