import type { Database } from "./database";
import type { Conversation, Message, SearchHit } from "./types";

/** A text in which hits are looked for, folded for comparison. */
function fold(text: string): string {
    return text.toLowerCase();
}

/** The text around a hit: at most `before` characters in front of it and `after` behind its beginning. */
export function excerpt(
    text: string,
    at: number,
    length: number,
    before = 40,
    after = 80,
): { readonly excerpt: string; readonly start: number } {
    let begin = Math.max(0, at - before);
    let end = Math.min(text.length, at + Math.max(length, after));
    // A cut between two halves of a character would show a replacement character.
    if (begin > 0 && isTrail(text.charCodeAt(begin))) begin -= 1;
    if (end < text.length && isTrail(text.charCodeAt(end))) end += 1;
    const head = begin > 0 ? "…" : "";
    const tail = end < text.length ? "…" : "";
    const body = text.slice(begin, end).replace(/\s/g, " ");
    return { excerpt: head + body + tail, start: head.length + at - begin };
}

function isTrail(unit: number): boolean {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/**
 * The search over titles and texts: every word of the query must be in the title or in one message.
 *
 * Folded texts are remembered by the revision of their message, so that the next letter of a query costs a scan of memory
 * only. Reads the database once per `open`.
 */
export class Search {
    private folded = new Map<string, { text: string; readonly message: Message }>();
    /** The texts are read, or being read; null = the next search reads them. */
    private reading: Promise<void> | null = null;

    constructor(private readonly database: Database) {}

    /** The records changed: the next search reads them again. */
    invalidate(): void {
        this.reading = null;
    }

    private read(): Promise<void> {
        this.reading ??= this.scan();
        return this.reading;
    }

    private async scan(): Promise<void> {
        const next = new Map<string, { text: string; readonly message: Message }>();
        for (const message of await this.database.all<Message>("messages")) {
            const known = this.folded.get(message.id);
            const isSame = known !== undefined && known.message.text === message.text;
            next.set(message.id, isSame ? known : { text: fold(message.text), message });
        }
        this.folded = next;
    }

    /** The newest conversations first; at most `limit` hits, one per message. */
    async find(query: string, conversations: Iterable<Conversation>, limit: number): Promise<SearchHit[]> {
        const wanted = fold(query).split(/\s+/).filter(word => word !== "");
        const reading = this.read();
        // A query without words, as when the search opens, only begins to read.
        if (wanted.length === 0) {
            reading.catch(() => this.invalidate());
            return [];
        }
        await reading;
        const byConversation = new Map<string, { text: string; readonly message: Message }[]>();
        for (const entry of this.folded.values()) {
            const { role, conversation } = entry.message;
            if (role !== "user" && role !== "assistant") continue;
            if (!wanted.every(word => entry.text.includes(word))) continue;
            const list = byConversation.get(conversation);
            if (list) list.push(entry);
            else byConversation.set(conversation, [entry]);
        }
        const hits: SearchHit[] = [];
        const newest = [...conversations].sort((left, right) => right.updatedAt - left.updatedAt);
        for (const conversation of newest) {
            if (hits.length >= limit) break;
            const title = fold(conversation.title);
            if (wanted.every(word => title.includes(word))) {
                hits.push(hit(conversation, null, conversation.title, title, wanted[0]));
            }
            const entries = byConversation.get(conversation.id) ?? [];
            entries.sort((left, right) => right.message.createdAt - left.message.createdAt);
            for (const { text, message } of entries) {
                if (hits.length >= limit) break;
                hits.push(hit(conversation, message.id, message.text, text, wanted[0]));
            }
        }
        return hits.slice(0, limit);
    }
}

function hit(conversation: Conversation, message: string | null, text: string, folded: string, word: string): SearchHit {
    // Folding may change lengths (İ); then the place in the original is looked for directly, or left at the beginning.
    let at = folded.length === text.length ? folded.indexOf(word) : text.indexOf(word);
    if (at < 0) at = 0;
    const around = excerpt(text, at, word.length);
    return { conversation: conversation.id, title: conversation.title, message, ...around, length: word.length };
}
