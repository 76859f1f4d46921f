import { useState } from "react";
import type { Message } from "../../engine/types";
import { useEngine } from "../hooks";
import { recall, remember } from "../memory";
import { GrowingText } from "../ui";

/** The text of a message while the user changes it. */
export function Editor({ message, onEnd }: { message: Message; onEnd: () => void }) {
    const engine = useEngine();
    const key = `martlet.edit.${message.id}`;
    // An unsaved edit survives a reload of the tab.
    const [text, setText] = useState(() => recall(key, true) ?? message.text);
    const isUser = message.role === "user";
    const end = (): void => {
        remember(key, null, true);
        onEnd();
    };
    const save = (mode: "inPlace" | "newVersion"): void => {
        void engine.edit(message.id, text, mode);
        end();
    };
    return (
        <form
            className="editor"
            onSubmit={event => {
                event.preventDefault();
                save("newVersion");
            }}
        >
            <GrowingText
                label={isUser ? "Edit your message" : "Edit the answer"}
                value={text}
                autoFocus
                onChange={value => {
                    setText(value);
                    remember(key, value, true);
                }}
                onKeyDown={event => {
                    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(isUser ? "newVersion" : "inPlace");
                    else if (event.key === "Escape") end();
                    else return;
                    event.preventDefault();
                    event.stopPropagation();
                }}
            />
            <div className="editor-actions">
                <button type="button" className="button quiet" onClick={end}>
                    Cancel
                </button>
                <button type="button" className="button quiet" onClick={() => save("inPlace")}>
                    Save
                </button>
                <button type="submit" className="button primary">
                    {isUser ? "Send" : "Save as new version"}
                </button>
            </div>
        </form>
    );
}
