import type { Database, StoredRecord } from "./database";
import type { Attachment, JSONValue, Message } from "./types";

type JSONObject = { [name: string]: JSONValue };

/** A stored attachment. The bytes are a `Blob`, which IndexedDB stores without a copy in base64. */
export interface StoredBlob extends StoredRecord {
    readonly blob: Blob;
}

/** The text of a file as the model reads it. */
export function fileAsText(attachment: Attachment): string {
    return `--- File: ${attachment.name} ---\n${attachment.text ?? ""}\n--- End of file ---`;
}

async function dataURL(blob: Blob, mimeType: string): Promise<string> {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let binary = "";
    // `String.fromCharCode` has a limit of arguments.
    for (let place = 0; place < bytes.length; place += 8_192) {
        binary += String.fromCharCode(...bytes.subarray(place, place + 8_192));
    }
    return `data:${mimeType};base64,${btoa(binary)}`;
}

async function content(message: Message, database: Database): Promise<JSONValue> {
    const texts = message.attachments.filter(attachment => attachment.kind === "text").map(fileAsText);
    const text = [...texts, message.text].filter(part => part !== "").join("\n\n");
    const media = message.attachments.filter(attachment => attachment.kind === "image" || attachment.kind === "audio");
    if (media.length === 0) return text;
    const parts: JSONObject[] = [];
    for (const attachment of media) {
        const stored = await database.get<StoredBlob>("blobs", attachment.id);
        // An attachment whose bytes are lost must not keep the conversation from going on.
        if (!stored) continue;
        const url = await dataURL(stored.blob, attachment.mimeType);
        if (attachment.kind === "image") parts.push({ type: "image_url", image_url: { url } });
        else {
            const format = attachment.mimeType.includes("wav") ? "wav" : "mp3";
            parts.push({ type: "input_audio", input_audio: { data: url.slice(url.indexOf(",") + 1), format } });
        }
    }
    if (text !== "") parts.push({ type: "text", text });
    return parts;
}

/** One message in the form of the chat API. */
async function wireMessage(message: Message, database: Database): Promise<JSONObject> {
    const wire: JSONObject = { role: message.role, content: await content(message, database) };
    if (message.role === "assistant") {
        if (message.reasoning !== "") wire.reasoning_content = message.reasoning;
        if (message.toolCalls.length > 0) {
            wire.tool_calls = message.toolCalls.map(call => ({
                id: call.id,
                type: "function",
                function: { name: call.name, arguments: call.arguments },
            }));
        }
    }
    if (message.role === "tool" && message.toolCallID !== null) wire.tool_call_id = message.toolCallID;
    return wire;
}

/**
 * The body that begins or continues an answer.
 *
 * - `path`: the messages before the answer, from the root on.
 * - `answer`: its options are sent; a base text is continued.
 */
export async function chatRequest(path: readonly Message[], answer: Message, database: Database): Promise<JSONObject> {
    const messages: JSONObject[] = [];
    for (const message of path) {
        // An answer without any text (stopped before its first token) says nothing to the model.
        const isEmpty = message.text === "" && message.toolCalls.length === 0 && message.attachments.length === 0;
        if (isEmpty && message.role === "assistant") continue;
        if (isEmpty && message.role === "system") continue;
        messages.push(await wireMessage(message, database));
    }
    const base = answer.stream !== null && (answer.stream.baseText > 0 || answer.stream.baseReasoning > 0);
    const body: JSONObject = { ...answer.options };
    if (base && answer.stream) {
        const continued: JSONObject = { role: "assistant", content: answer.text.slice(0, answer.stream.baseText) };
        const reasoning = answer.reasoning.slice(0, answer.stream.baseReasoning);
        if (reasoning !== "") continued.reasoning_content = reasoning;
        messages.push(continued);
        body.continue_final_message = true;
        body.add_generation_prompt = false;
    }
    if (answer.model !== null) body.model = answer.model;
    return {
        ...body,
        messages,
        stream: true,
        // The answer goes on when the page is closed.
        background: true,
        return_progress: true,
        explain_cache: true,
        stream_options: { include_usage: true },
    };
}

/** The options of a request that asks for JSON. */
export function asksForJSON(options: { readonly [name: string]: JSONValue }): boolean {
    return ["json_schema", "response_format", "structured_outputs", "guided_json"].some(name => {
        const value = options[name];
        return value !== undefined && value !== null && value !== "";
    });
}
