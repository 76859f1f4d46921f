/** Every text of the engine that a user reads, in one table, so that another language is another table. */
export const words = {
    untitled: "New chat",
    you: "You",
    assistant: "Assistant",
    sending: "Sending…",
    waitingForSlot: "Waiting for a free slot",
    waitingBehind: (count: number) => `Waiting for a free slot, ${count} before this one`,
    loading: "Loading model",
    loadingShare: (share: number) => `Loading model ${Math.floor(share * 100)} %`,
    reading: "Reading prompt",
    readingShare: (share: number, seconds: number | null) =>
        `Reading prompt ${Math.floor(share * 100)} %` + (seconds === null ? "" : `, ${seconds} s`),
    lost: "Connection lost. Reconnecting…",
    serverStarts: "The server is starting. Waiting…",
    keyNeeded: "The server needs a key",
    paused: "Paused",
    stopping: "Stopping…",
    skipping: "Skipping…",
    forgotten: "The server has forgotten this answer. The text so far is complete up to here.",
    neverSent: "The message did not reach the server.",
    unreachable: "Server not reachable, retrying",
    modelLoads: "Model loading",
    storageClosed: "A newer version of this page is open. Reload this tab.",
    keyRefused: "The server refuses this key",
    removedMessages: (count: number) => (count === 1 ? "Message deleted" : `${count} messages deleted`),
    removedConversations: (count: number) => (count === 1 ? "Chat deleted" : `${count} chats deleted`),
    undo: "Undo",
    empty: "The message is empty",
    cannotSee: (model: string) => `${model} cannot see images`,
    cannotHear: (model: string) => `${model} cannot hear`,
    modelMissing: (model: string) => `${model} is not on this server`,
    historyRefused: (reason: string) => `A chat is only in this browser, because the server refused it: ${reason}`,
    stoppingFailed: "The server did not stop the answer yet. Trying again.",
    commandFailed: (reason: string) => `The server refused: ${reason}`,
    copyOf: (title: string) => `${title} (branch)`,
    cache: {
        complete: "Everything was reused from the cache.",
        extended: "The new text follows a cached prompt: only the new part was read.",
        differs: "The prompt differs from the cached one at token",
        empty: "No cached prompt begins like this one.",
        not_read: "The request did not read the cache.",
        no_checkpoint: "This model's memory cannot be cut at the last common token, and no checkpoint lies near it.",
        other_adapters: "The cached prompt was computed with other adapters.",
        alignment: "Some tokens at the end were computed again, so that the answer does not depend on the cache.",
    } as { readonly [reason: string]: string },
} as const;

/** A number of bytes for people: "2.6 MiB". */
export function bytesInWords(count: number): string {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let value = count;
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
