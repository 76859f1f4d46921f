import { fileAsText } from "./requests";
import { MessageTree } from "./tree";
import type { Conversation, ExportedFile, ExportFormat, JSONValue, Message } from "./types";
import { words } from "./words";

/** A conversation with all its messages. */
export interface WholeConversation {
    readonly conversation: Conversation;
    readonly messages: readonly Message[];
}

/** Writes conversations to a file. Attachments of a kind other than text are left out, and their names remain. */
export function exported(conversations: readonly WholeConversation[], format: ExportFormat, now: number): ExportedFile {
    const day = new Date(now).toISOString().slice(0, 10);
    const single = conversations.length === 1 ? conversations[0].conversation.title : "chats";
    const stem = `${day} ${single.replace(/[^\p{L}\p{N} _-]+/gu, "").trim().slice(0, 60) || "chat"}`;
    switch (format) {
        case "martlet":
            return file(stem + ".jsonl", "application/jsonl", lines(conversations.flatMap(martletLines)));
        case "llama":
            return file(stem + ".jsonl", "application/jsonl", lines(conversations.flatMap(llamaLines)));
        case "openai":
            return file(stem + ".json", "application/json", JSON.stringify(conversations.map(openAI), null, 1) + "\n");
        case "markdown":
            return file(stem + ".md", "text/markdown", conversations.map(markdown).join("\n\n---\n\n") + "\n");
    }
}

function file(name: string, mimeType: string, text: string): ExportedFile {
    return { name, mimeType, text };
}

function lines(records: readonly unknown[]): string {
    return records.map(record => JSON.stringify(record)).join("\n") + "\n";
}

function martletLines({ conversation, messages }: WholeConversation): unknown[] {
    return [
        { type: "martlet.conversation", version: 1, conversation },
        ...messages.map(message => ({ type: "martlet.message", message })),
    ];
}

/** The form of llama-server's page: a session line, then its messages, of which the first is an empty root. */
function llamaLines({ conversation, messages }: WholeConversation): unknown[] {
    const tree = new MessageTree(messages);
    const root = conversation.id + "-root";
    const session = {
        harness: "martlet",
        type: "session",
        id: conversation.id,
        name: conversation.title,
        currNode: tree.leaf(conversation),
        lastModified: conversation.updatedAt,
        pinned: conversation.isPinned,
    };
    const top = {
        id: root,
        convId: conversation.id,
        type: "root",
        timestamp: conversation.createdAt,
        role: "system",
        content: "",
        parent: null,
        children: tree.children(null),
    };
    const rest = messages.map(message => ({
        id: message.id,
        convId: conversation.id,
        type: "text",
        timestamp: message.createdAt,
        role: message.role,
        content: message.text,
        parent: message.parent ?? root,
        children: tree.children(message.id),
        ...(message.reasoning === "" ? {} : { reasoningContent: message.reasoning }),
        ...(message.model === null ? {} : { model: message.model }),
        ...(message.toolCallID === null ? {} : { toolCallId: message.toolCallID }),
        ...(message.toolCalls.length === 0 ? {} : { toolCalls: message.toolCalls.map(wireCall) }),
        ...(message.attachments.length === 0
            ? {}
            : {
                  extra: message.attachments
                      .filter(attachment => attachment.kind === "text")
                      .map(({ name, text, size }) => ({ type: "TEXT", name, size, content: text })),
              }),
    }));
    return [session, { type: "message", message: top }, ...rest.map(message => ({ type: "message", message }))];
}

function wireCall(call: Message["toolCalls"][number]): JSONValue {
    return { id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } };
}

/** The form of OpenAI's data export: a mapping of nodes with parents and children. */
function openAI({ conversation, messages }: WholeConversation): JSONValue {
    const tree = new MessageTree(messages);
    const root = conversation.id + "-root";
    const mapping: { [id: string]: JSONValue } = {
        [root]: { id: root, message: null, parent: null, children: [...tree.children(null)] },
    };
    for (const message of messages) {
        mapping[message.id] = {
            id: message.id,
            parent: message.parent ?? root,
            children: [...tree.children(message.id)],
            message: {
                id: message.id,
                author: { role: message.role },
                create_time: message.createdAt / 1_000,
                content: { content_type: "text", parts: [message.text] },
                metadata: message.model === null ? {} : { model_slug: message.model },
            },
        };
    }
    return {
        title: conversation.title,
        create_time: conversation.createdAt / 1_000,
        update_time: conversation.updatedAt / 1_000,
        current_node: tree.leaf(conversation) ?? root,
        conversation_id: conversation.id,
        id: conversation.id,
        mapping,
    };
}

/** The visible branch for people. */
function markdown({ conversation, messages }: WholeConversation): string {
    const tree = new MessageTree(messages);
    const parts = [`# ${conversation.title}`];
    for (const message of tree.path(tree.leaf(conversation))) {
        const name = message.role === "user" ? words.you : message.role === "assistant" ? words.assistant : message.role;
        parts.push(`## ${name}${message.model === null ? "" : ` (${message.model})`}`);
        const texts = message.attachments.filter(attachment => attachment.kind === "text").map(fileAsText);
        if (message.reasoning !== "") {
            parts.push(message.reasoning.split("\n").map(line => "> " + line).join("\n"));
        }
        parts.push(...texts, message.text);
        for (const call of message.toolCalls) parts.push(`\`${call.name}(${call.arguments})\``);
    }
    return parts.filter(part => part !== "").join("\n\n");
}
