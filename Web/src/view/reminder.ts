import type { ChatEngine } from "../engine/types";
import { recall, remember } from "./memory";
import { saveFile } from "./ui";

/** What keeps chats from being lost with the storage of a browser. */

const lastExport = "martlet.export";
/** Safari removes the storage of a page that was not used for so long. */
const WEEK = 7 * 86_400_000;
/** Fewer chats are no reason for a reminder. */
const MANY = 10;

/** Notes that all chats were exported. */
export function noteExport(): void {
    remember(lastExport, String(Date.now()));
}

/** Exports all chats into a file. */
export async function exportAll(engine: ChatEngine): Promise<void> {
    const file = await engine.exportConversations(engine.conversations().map(row => row.conversation.id), "martlet");
    saveFile(file.name, file.mimeType, file.text);
    noteExport();
}

/**
 * Asks the browser to keep the chats when its disk becomes full. Where it does not promise that, and on plain HTTP no browser
 * does, the user is reminded of an export once a week.
 */
export async function protectChats(engine: ChatEngine): Promise<void> {
    const isKept = await navigator.storage?.persist?.().catch(() => false);
    if (isKept || engine.server().hasHistory || engine.conversations().length < MANY) return;
    if (Date.now() - Number(recall(lastExport) ?? 0) < WEEK) return;
    noteExport();
    engine.notify("This browser may remove chats that were not opened for a week. A file keeps them.", {
        label: "Export",
        run: () => void exportAll(engine),
    });
}
