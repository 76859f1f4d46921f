import type { WholeConversation } from "./exporting";
import { newID } from "./environment";
import type { Parts } from "./parts";
import type { ConversationID, ExportedFile, ExportFormat, ImportPreview, Message } from "./types";

/** Export and import of conversations. The forms of files are chunks of their own: most visits need none. */
export class Transfer {
    constructor(private readonly parts: Parts) {}

    async exportConversations(ids: readonly ConversationID[], format: ExportFormat): Promise<ExportedFile> {
        const { store, environment } = this.parts;
        // A chunk of its own: most visits neither export nor import.
        const { exported } = await import("./exporting");
        const whole: WholeConversation[] = [];
        for (const id of ids) {
            const conversation = store.conversations.get(id);
            if (!conversation) continue;
            const messages = store.threads.has(id)
                ? [...store.messages(id)]
                : await store.database.among<Message>("messages", id);
            whole.push({ conversation, messages });
        }
        return exported(whole, format, environment.clock.now());
    }

    /** Reads a file and compares it with the stored conversations; nothing is written before `commit`. */
    async readImport(text: string): Promise<ImportPreview> {
        const { store, environment } = this.parts;
        const { readExport, withIDs } = await import("./importing");
        const read = readExport(text, environment.clock.now());
        const problems = [...read.problems];
        const fresh: WholeConversation[] = [];
        let skipped = 0;
        for (const whole of withIDs(read.conversations, () => newID(environment))) {
            const known = store.conversations.get(whole.conversation.id);
            if (known && known.updatedAt >= whole.conversation.updatedAt) {
                skipped += 1;
                continue;
            }
            // An id of another conversation's message must not overwrite it.
            const stored = await Promise.all(
                whole.messages.map(one => store.database.get<Message>("messages", one.id).catch(() => undefined)),
            );
            if (stored.some(one => one !== undefined && one.conversation !== whole.conversation.id)) {
                problems.push(`"${whole.conversation.title}" has messages with the ids of another chat.`);
                continue;
            }
            fresh.push(whole);
        }
        return {
            format: read.format,
            conversations: fresh.length,
            messages: fresh.reduce((sum, whole) => sum + whole.messages.length, 0),
            skipped,
            problems,
            commit: async () => {
                for (const { conversation, messages } of fresh) {
                    store.threads.delete(conversation.id);
                    await store.put(["conversations", conversation], ...messages.map(one => ["messages", one] as const));
                }
                return fresh.length;
            },
        };
    }
}
