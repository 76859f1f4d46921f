import { useState } from "react";
import type { Thread as ThreadSnapshot } from "../engine/types";
import { useEngine } from "./hooks";
import { Dialog, GrowingText } from "./ui";

/** The system prompt of a chat. */
export function SystemDialog({ thread, onClose }: { thread: ThreadSnapshot; onClose: () => void }) {
    const engine = useEngine();
    const [text, setText] = useState(thread.messages.find(message => message.role === "system")?.text ?? "");
    return (
        <Dialog
            title="System prompt"
            className="wide"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    onClick={() => {
                        void engine.setSystemPrompt(thread.conversation.id, text);
                        onClose();
                    }}
                >
                    Save
                </button>
            }
        >
            <p className="hint">The model reads it before the first message of this chat.</p>
            <GrowingText label="System prompt" value={text} onChange={setText} rows={6} autoFocus />
        </Dialog>
    );
}

const keys: readonly [string, string][] = [
    ["Enter", "Send; Shift Enter adds a line"],
    ["Ctrl Enter", "Send in any case"],
    ["Esc", "Stop the answer"],
    ["↑", "Edit the last message, from an empty box"],
    ["Ctrl ⇧ O", "New chat"],
    ["Ctrl K", "Search"],
    ["Ctrl B", "List of chats"],
    ["Ctrl M", "Models"],
    ["Ctrl ,", "Settings"],
    ["Ctrl ⇧ C", "Copy the last answer"],
    ["Ctrl ⇧ ;", "Copy the last code block"],
    ["Ctrl ⇧ ↑ ↓", "Previous and next chat"],
    ["Ctrl ⇧ D", "Delete the chat"],
    ["[ ]", "Versions of the focused message"],
    ["F2, Ctrl ⇧ E", "Rename the chat"],
    ["Ctrl /", "This list"],
];

/** All keys of the page. */
export function Keys({ onClose }: { onClose: () => void }) {
    return (
        <Dialog title="Keyboard" isText onClose={onClose}>
            <dl className="keys">
                {keys.map(([key, use]) => (
                    <div key={key}>
                        <dt>
                            <kbd>{key}</kbd>
                        </dt>
                        <dd>{use}</dd>
                    </div>
                ))}
            </dl>
        </Dialog>
    );
}
