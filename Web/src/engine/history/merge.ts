import { isRunning } from "../actions";
import type { Conversation, Message, MessageID, MessageState } from "../types";

/** A conversation as the server stores it. */
export interface ChatDocument {
    readonly version: 1;
    readonly conversation: Conversation;
    readonly messages: readonly Message[];
}

/** What this browser read or wrote last: enough to tell which side has changed since. */
export interface Base {
    readonly conversation: Conversation;
    /** The revision of each message, by its id. */
    readonly revisions: { readonly [id: string]: number };
    /** The answers that were being written. */
    readonly running: readonly MessageID[];
}

/** Members of a conversation that belong to a device. */
const local: ReadonlySet<string> = new Set(["isUnread", "isTemporary"]);

/** The more complete of two ended answers wins: one device may have lost the stream. */
const ranks: { readonly [state in MessageState]?: number } = { done: 4, stopped: 3, failed: 2, interrupted: 1 };

export function baseOf(document: ChatDocument): Base {
    const revisions: { [id: string]: number } = {};
    for (const message of document.messages) revisions[message.id] = message.revision;
    const running = document.messages.filter(message => isRunning(message.state)).map(message => message.id);
    return { conversation: document.conversation, revisions, running };
}

function same(left: unknown, right: unknown): boolean {
    return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/**
 * Whether two conversations are equal apart from what belongs to a device, and from the time of the last change: two devices
 * that read the same answer to its end note two times.
 */
function isSameConversation(left: Conversation, right: Conversation): boolean {
    const names = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...names].every(name => local.has(name) || name === "updatedAt" || same(left[name as keyof Conversation], right[name as keyof Conversation]));
}

/** Whether a conversation has changed since its base. */
export function hasChanged(base: Base, document: ChatDocument): boolean {
    if (!isSameConversation(base.conversation, document.conversation)) return true;
    if (Object.keys(base.revisions).length !== document.messages.length) return true;
    return document.messages.some(message => base.revisions[message.id] !== message.revision);
}

/**
 * Whether a conversation has something that its removal elsewhere must not take away: a message or an edit since the base.
 * The end of an answer that was being written, and a title that the model wrote, are none.
 */
export function hasNews(base: Base, document: ChatDocument): boolean {
    const { conversation } = document;
    const titled = conversation.isTitleManual ? conversation : { ...conversation, title: base.conversation.title };
    if (!isSameConversation(base.conversation, titled)) return true;
    return document.messages.some(message => {
        const revision = base.revisions[message.id];
        return revision === undefined || (revision !== message.revision && !base.running.includes(message.id));
    });
}

/**
 * Two versions of a conversation as one, by the version that both come from (decision 0189).
 *
 * - `base`: null = the sides have no common version; nothing counts as removed then.
 * - `mine`, `theirs`: the versions of this browser and of the server.
 *
 * The result has each message that a side added, each change that only one side made, and the ancestors of each message.
 */
export function merged(base: Base | null, mine: ChatDocument, theirs: ChatDocument): ChatDocument {
    const own = new Map(mine.messages.map(message => [message.id, message]));
    const other = new Map(theirs.messages.map(message => [message.id, message]));
    const kept = new Map<MessageID, Message>();
    for (const id of new Set([...own.keys(), ...other.keys()])) {
        const message = mergedMessage(base?.revisions[id], own.get(id), other.get(id));
        if (message) kept.set(id, message);
    }
    // A message that one side changed keeps its ancestors, even if the other side removed them.
    for (const message of [...kept.values()]) {
        let parent = message.parent;
        while (parent !== null && !kept.has(parent)) {
            const found: Message | undefined = own.get(parent) ?? other.get(parent);
            if (!found) break;
            kept.set(parent, found);
            parent = found.parent;
        }
    }
    const messages = [...kept.values()].sort((left, right) => left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1));
    return { version: 1, conversation: mergedConversation(base, mine.conversation, theirs.conversation), messages };
}

function mergedMessage(
    revision: number | undefined,
    mine: Message | undefined,
    theirs: Message | undefined,
): Message | undefined {
    if (!mine || !theirs) {
        const message = mine ?? theirs;
        // Without a base, or unknown to it: this side added the message. Changed: it is worth more than the removal.
        const isRemoved = message !== undefined && revision !== undefined && revision === message.revision;
        return isRemoved ? undefined : message;
    }
    // This browser reads the stream itself.
    if (isRunning(mine.state) && mine.stream?.label === theirs.stream?.label && !isRunning(theirs.state)) return theirs;
    if (isRunning(mine.state)) return mine;
    if (mine.revision === theirs.revision && mine.state === theirs.state && mine.text === theirs.text) return mine;
    if (mine.revision === revision) return theirs;
    if (theirs.revision === revision) return mine;
    // Two devices that read one answer count its revisions each for itself, so a revision says nothing about an edit.
    const edited = (mine.editedAt ?? 0) - (theirs.editedAt ?? 0);
    if (edited !== 0) return edited > 0 ? mine : theirs;
    const rank = (message: Message): number => ranks[message.state] ?? 0;
    if (rank(mine) !== rank(theirs)) return rank(mine) > rank(theirs) ? mine : theirs;
    return mine.revision > theirs.revision ? mine : theirs;
}

function mergedConversation(base: Base | null, mine: Conversation, theirs: Conversation): Conversation {
    const result: { [name: string]: unknown } = {};
    const newer = mine.updatedAt > theirs.updatedAt ? mine : theirs;
    for (const name of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
        const key = name as keyof Conversation;
        const old = base?.conversation[key];
        if (local.has(name)) result[name] = mine[key];
        else if (base !== null && same(mine[key], old)) result[name] = theirs[key];
        else if (base !== null && same(theirs[key], old)) result[name] = mine[key];
        else result[name] = newer[key];
        if (result[name] === undefined) delete result[name];
    }
    result["updatedAt"] = Math.max(mine.updatedAt, theirs.updatedAt);
    return result as unknown as Conversation;
}

/** A document of the server, or null if it is none of this version. */
export function documentFrom(json: unknown): ChatDocument | null {
    const { version, conversation, messages } = (json ?? {}) as { [name: string]: unknown };
    const isConversation = typeof (conversation as { id?: unknown } | undefined)?.id === "string";
    if (version !== 1 || !isConversation || !Array.isArray(messages)) return null;
    const isMessage = (one: unknown): boolean => {
        const { id, parent, text, state, conversation: owner } = (one ?? {}) as { [name: string]: unknown };
        return typeof id === "string" && (parent === null || typeof parent === "string") && typeof text === "string"
            && typeof state === "string" && owner === (conversation as Conversation).id;
    };
    return messages.every(isMessage) ? (json as ChatDocument) : null;
}
