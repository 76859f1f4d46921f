import { useEffect } from "react";
import type { Thread as ThreadSnapshot } from "../engine/types";
import { copyText } from "./clipboard";
import { useEngine } from "./hooks";
import { openConversation } from "./router";

/** The dialogs of the page; null = none is open. */
export type PageDialog = "search" | "settings" | "keys" | "transfer" | "system" | null;

/** The keys that work everywhere. */
export function useKeys(context: {
    thread: ThreadSnapshot | undefined;
    open: (what: PageDialog) => void;
    toggleSide: () => void;
}): void {
    const engine = useEngine();
    useEffect(() => {
        const onKey = (event: KeyboardEvent): void => {
            const { thread, open, toggleSide } = context;
            // Also the dialogs of messages and of the running answer: Escape closes them, and stops nothing.
            const hasDialog = document.querySelector("dialog[open]") !== null;
            if (event.key === "Escape" && !hasDialog && !event.defaultPrevented) {
                if (thread?.running) void engine.stop(thread.running);
                return;
            }
            if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
            const key = (event.shiftKey ? "shift " : "") + event.key.toLowerCase();
            const commands: { readonly [key: string]: () => void } = {
                k: () => open("search"),
                b: toggleSide,
                "/": () => open("keys"),
                ",": () => open("settings"),
                "shift o": () => openConversation(null),
                "shift c": () => {
                    const answers = thread?.messages.filter(message => message.role === "assistant") ?? [];
                    const last = answers[answers.length - 1];
                    if (last) void copyText(engine.message(last.id)?.text ?? "");
                },
                "shift :": copyLastCode,
                "shift ;": copyLastCode,
                "shift e": () => {
                    // The row renames itself, as with F2.
                    const row = document.querySelector<HTMLElement>('[data-conversation] > [aria-current="page"]');
                    row?.dispatchEvent(new KeyboardEvent("keydown", { key: "F2", bubbles: true }));
                },
                "shift d": () => {
                    if (!thread) return;
                    void engine.removeConversations([thread.conversation.id]);
                    openConversation(null);
                },
                "shift arrowup": () => step(-1),
                "shift arrowdown": () => step(1),
            };
            const step = (by: number): void => {
                const ids = engine.conversations().map(row => row.conversation.id);
                const next = ids[ids.indexOf(thread?.conversation.id ?? "") + by];
                if (next) openConversation(next);
            };
            const command = commands[key];
            if (!command || (hasDialog && key !== "k")) return;
            event.preventDefault();
            command();
        };
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    });
}

function copyLastCode(): void {
    const blocks = document.querySelectorAll<HTMLElement>("figure.code code");
    const last = blocks[blocks.length - 1];
    if (last) void copyText(last.textContent ?? "");
}
