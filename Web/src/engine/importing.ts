import { parse } from "./answer";
import type { WholeConversation } from "./exporting";
import { newMessage } from "./records";
import { MessageTree } from "./tree";
import type { Attachment, Conversation, ImportPreview, JSONValue, Message, Role, ToolCall } from "./types";
import { words } from "./words";

/** What a file has, before it is compared with the stored conversations. */
export interface ReadFile {
    readonly format: ImportPreview["format"];
    readonly conversations: readonly WholeConversation[];
    readonly problems: readonly string[];
}

type JSONObject = { readonly [name: string]: JSONValue | undefined };

function object(value: JSONValue | undefined): JSONObject {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function array(value: JSONValue | undefined): readonly JSONValue[] {
    return Array.isArray(value) ? value : [];
}

function text(value: JSONValue | undefined): string {
    return typeof value === "string" ? value : "";
}

/** Milliseconds since 1970, from seconds or milliseconds. */
function time(value: JSONValue | undefined, fallback: number): number {
    if (typeof value !== "number" || !Number.isFinite(value)) return fallback;
    return Math.round(value < 1e11 ? value * 1_000 : value);
}

function role(value: JSONValue | undefined): Role | null {
    return value === "system" || value === "user" || value === "assistant" || value === "tool" ? value : null;
}

/** Nodes of one conversation, and letters of a file: more would block the page or exhaust its memory. */
const maximumNodes = 200_000;
const maximumLetters = 200_000_000;

/**
 * Reads an export: Martlet's and llama-server's JSONL, llama-server's old JSON, OpenAI's and Open WebUI's JSON.
 *
 * The form is found by the content, never by the file's name. A record that is damaged is named in `problems`, and the
 * rest is read. Throws an error in words if nothing of the file is a conversation.
 */
export function readExport(source: string, now: number): ReadFile {
    if (source.length > maximumLetters) throw new Error(`The file has ${source.length} letters; the limit is ${maximumLetters}.`);
    const problems: string[] = [];
    const first = object(parse(source.trimStart().split("\n", 1)[0]));
    if (first.type === "martlet.conversation" || first.type === "session") {
        const format = first.type === "session" ? "llama" : "martlet";
        return { format, conversations: readLines(source, now, problems), problems };
    }
    const whole = parse(source);
    if (whole === undefined) throw new Error("The file is neither JSON nor lines of JSON.");
    const entries = Array.isArray(whole) ? whole : [whole];
    const conversations: WholeConversation[] = [];
    let format: ImportPreview["format"] = "llama";
    entries.forEach((entry, index) => {
        const members = object(entry);
        const chat = object(members.chat);
        let read: WholeConversation | null = null;
        if (members.conv !== undefined) {
            read = fromLlama(object(members.conv), array(members.messages), now);
        } else if (members.mapping !== undefined) {
            format = "openai";
            read = fromMapping(members, object(members.mapping), now);
        } else if (members.chat !== undefined) {
            format = "open-webui";
            read = fromOpenWebUI(members, chat, now);
        }
        if (read === null) problems.push(`Entry ${index + 1} is no conversation of a known form.`);
        else if (read.messages.length === 0) problems.push(`Entry ${index + 1} has no messages.`);
        else conversations.push(read);
    });
    if (conversations.length === 0) throw new Error(problems[0] ?? "The file has no conversations.");
    return { format, conversations, problems };
}

function readLines(source: string, now: number, problems: string[]): WholeConversation[] {
    const found: WholeConversation[] = [];
    let session: JSONObject | null = null;
    let own: Conversation | null = null;
    let records: JSONValue[] = [];
    const finish = (): void => {
        if (session !== null) found.push(fromLlama(session, records, now));
        if (own !== null) {
            const messages = records.map(record => ownMessage(record, own)).filter((one): one is Message => one !== null);
            found.push({ conversation: own, messages });
        }
        session = null;
        own = null;
        records = [];
    };
    source.split("\n").forEach((line, index) => {
        if (line.trim() === "") return;
        const record = object(parse(line));
        if (record.type === "session") {
            finish();
            session = record;
        } else if (record.type === "martlet.conversation") {
            finish();
            own = ownConversation(object(record.conversation), now);
        } else if (record.type === "message" || record.type === "martlet.message") {
            if (records.length < maximumNodes) records.push(record.message ?? null);
        } else if (parse(line) === undefined) {
            problems.push(`Line ${index + 1} is not JSON.`);
        }
    });
    finish();
    return found;
}

function newConversation(id: string, title: string, created: number, updated: number): Conversation {
    return {
        id,
        title: title || words.untitled,
        isTitleManual: title !== "",
        createdAt: created,
        updatedAt: updated,
        isPinned: false,
        model: null,
        overrides: {},
        leaf: null,
        chosen: {},
        origin: null,
        isUnread: false,
    };
}

function ownConversation(members: JSONObject, now: number): Conversation {
    const created = time(members.createdAt, now);
    return {
        ...newConversation(text(members.id), text(members.title), created, time(members.updatedAt, created)),
        isPinned: members.isPinned === true,
        isTitleManual: members.isTitleManual === true,
        model: text(members.model) || null,
        overrides: object(members.overrides) as Conversation["overrides"],
        leaf: text(members.leaf) || null,
        chosen: object(members.chosen) as Conversation["chosen"],
    };
}

function ownMessage(record: JSONValue, conversation: Conversation | null): Message | null {
    const members = object(record);
    const id = text(members.id);
    const kind = role(members.role);
    if (!conversation || id === "" || kind === null) return null;
    return newMessage({
        id,
        conversation: conversation.id,
        parent: text(members.parent) || null,
        role: kind,
        createdAt: time(members.createdAt, conversation.createdAt),
        text: text(members.text),
        reasoning: text(members.reasoning),
        toolCalls: array(members.toolCalls) as unknown as ToolCall[],
        toolCallID: text(members.toolCallID) || null,
        attachments: (array(members.attachments) as unknown as Attachment[]).filter(one => one.kind === "text"),
        model: text(members.model) || null,
        // An answer that was being written when it was exported cannot be read on by another page.
        state: members.state === "stopped" || members.state === "failed" ? "stopped" : ended(members.state),
        finishReason: text(members.finishReason) || null,
        statistics: (members.statistics ?? null) as Message["statistics"],
        isStructured: members.isStructured === true,
    });
}

function ended(state: JSONValue | undefined): Message["state"] {
    return state === "done" ? "done" : "interrupted";
}

function fromLlama(session: JSONObject, records: readonly JSONValue[], now: number): WholeConversation {
    const messages: Message[] = [];
    const roots = new Set<string>();
    const modified = time(session.lastModified, now);
    const id = text(session.id);
    for (const record of records) {
        const members = object(record);
        const kind = role(members.role);
        // The first record of a tree is an empty root that only has children.
        if (members.type === "root") roots.add(text(members.id));
        if (members.type === "root" || kind === null || text(members.id) === "") continue;
        const parent = text(members.parent);
        messages.push(
            newMessage({
                id: text(members.id),
                conversation: id,
                parent: parent === "" || roots.has(parent) ? null : parent,
                role: kind,
                createdAt: time(members.timestamp, modified),
                text: text(members.content),
                reasoning: text(members.reasoningContent) || text(members.thinking),
                toolCalls: callsFrom(members.toolCalls),
                toolCallID: text(members.toolCallId) || null,
                model: text(members.model) || null,
                attachments: array(members.extra).flatMap((extra, index) => textFile(extra, `${text(members.id)}-${index}`)),
            }),
        );
    }
    const created = messages.reduce((least, message) => Math.min(least, message.createdAt), modified);
    const conversation = newConversation(id, text(session.name), created, modified);
    return {
        conversation: { ...conversation, isPinned: session.pinned === true, leaf: text(session.currNode) || null },
        messages,
    };
}

function callsFrom(value: JSONValue | undefined): ToolCall[] {
    const list = typeof value === "string" ? parse(value) : value;
    return array(list).map(call => {
        const called = object(object(call).function);
        return { id: text(object(call).id), name: text(called.name), arguments: text(called.arguments) };
    });
}

function textFile(extra: JSONValue, id: string): Attachment[] {
    const members = object(extra);
    const content = text(members.content);
    if ((members.type !== "TEXT" && members.type !== "context") || content === "") return [];
    const size = new TextEncoder().encode(content).length;
    return [{ id, name: text(members.name) || "file.txt", mimeType: "text/plain", kind: "text", size, text: content }];
}

/** The text of OpenAI's `content`: parts that are texts. */
function partsText(content: JSONValue | undefined): string {
    if (typeof content === "string") return content;
    const members = object(content);
    const parts = members.parts === undefined ? [members.text ?? ""] : array(members.parts);
    return parts.map(part => text(part) || text(object(part).text)).filter(part => part !== "").join("\n\n");
}

function fromMapping(members: JSONObject, mapping: JSONObject, now: number): WholeConversation {
    const created = time(members.create_time, now);
    const id = text(members.conversation_id) || text(members.id) || `openai-${created}`;
    const kept = new Map<string, Message>();
    const parents = new Map<string, string>();
    for (const [key, value] of Object.entries(mapping).slice(0, maximumNodes)) {
        const node = object(value);
        const message = object(node.message);
        parents.set(key, text(node.parent));
        const kind = role(object(message.author).role);
        const content = partsText(message.content);
        const isHidden = object(message.metadata).is_visually_hidden_from_conversation === true;
        if (kind === null || kind === "tool" || content === "" || isHidden) continue;
        kept.set(
            key,
            newMessage({
                id: key,
                conversation: id,
                parent: null,
                role: kind,
                createdAt: time(message.create_time, created),
                text: content,
                model: text(object(message.metadata).model_slug) || null,
            }),
        );
    }
    return { conversation: titled(members, id, created, now, visible(text(members.current_node), parents, kept)), messages: linked(kept, parents) };
}

function titled(members: JSONObject, id: string, created: number, now: number, leaf: string | null): Conversation {
    const updated = time(members.update_time ?? members.updated_at, created || now);
    return { ...newConversation(id, text(members.title), created, updated), leaf };
}

/** The nearest kept message at or above `id`; a cycle of damaged parents ends the search. */
function visible(id: string, parents: ReadonlyMap<string, string>, kept: ReadonlyMap<string, Message>): string | null {
    const seen = new Set<string>();
    for (let place = id; place !== "" && !seen.has(place); place = parents.get(place) ?? "") {
        if (kept.has(place)) return place;
        seen.add(place);
    }
    return null;
}

/** The kept messages, each below its nearest kept ancestor. */
function linked(kept: ReadonlyMap<string, Message>, parents: ReadonlyMap<string, string>): Message[] {
    return [...kept.values()].map(message => ({
        ...message,
        parent: visible(parents.get(message.id) ?? "", parents, kept),
    }));
}

function fromOpenWebUI(members: JSONObject, chat: JSONObject, now: number): WholeConversation {
    const created = time(members.created_at ?? chat.timestamp, now);
    const id = text(members.id) || `open-webui-${created}`;
    const history = object(chat.history);
    const kept = new Map<string, Message>();
    const parents = new Map<string, string>();
    for (const [key, value] of Object.entries(object(history.messages)).slice(0, maximumNodes)) {
        const node = object(value);
        const kind = role(node.role);
        parents.set(key, text(node.parentId));
        if (kind === null) continue;
        const { text: shown, reasoning } = withoutDetails(text(node.content));
        kept.set(
            key,
            newMessage({
                id: key,
                conversation: id,
                parent: null,
                role: kind,
                createdAt: time(node.timestamp, created),
                text: shown,
                reasoning,
                model: text(node.model) || null,
            }),
        );
    }
    const leaf = visible(text(history.currentId), parents, kept);
    const titledMembers = { ...members, title: text(members.title) || text(chat.title) };
    return { conversation: titled(titledMembers, id, created, now, leaf), messages: linked(kept, parents) };
}

/** Open WebUI stores reasoning as an element in the text. */
function withoutDetails(content: string): { readonly text: string; readonly reasoning: string } {
    const begin = content.indexOf('<details type="reasoning"');
    const end = content.indexOf("</details>", begin);
    if (begin < 0 || end < 0) return { text: content, reasoning: "" };
    const inner = content.slice(content.indexOf(">", begin) + 1, end).replace(/<summary>[^<]*<\/summary>/, "");
    const reasoning = inner.split("\n").map(line => line.replace(/^> ?/, "")).join("\n").trim();
    return { text: (content.slice(0, begin) + content.slice(end + 10)).trim(), reasoning };
}

/** Conversations of an import whose ids cannot collide with each other or leave out their messages. */
export function withIDs(read: readonly WholeConversation[], newID: () => string): WholeConversation[] {
    return read.map(({ conversation, messages }) => {
        const id = conversation.id || newID();
        const tree = new MessageTree(messages);
        const leaf = tree.leaf({ ...conversation, id });
        return {
            conversation: { ...conversation, id, leaf },
            messages: messages.map(message => ({ ...message, conversation: id })),
        };
    });
}
