import { useState } from "react";
import type { ChatEngine } from "../../engine/types";
import { useEngine } from "../hooks";
import { Dialog, GrowingText, IconButton } from "../ui";

/** A text that the user saved under a name of one word. */
export interface SavedPrompt {
    readonly name: string;
    readonly text: string;
}

/** The saved prompts of this browser, by name. */
export function savedPrompts(engine: ChatEngine): readonly SavedPrompt[] {
    const stored = engine.setting(null, "prompts");
    if (!Array.isArray(stored)) return [];
    return stored.flatMap(one => {
        const { name, text } = (one ?? {}) as { name?: unknown; text?: unknown };
        return typeof name === "string" && typeof text === "string" && name !== "" ? [{ name, text }] : [];
    });
}

/** The name as it can be typed behind a `/`: without spaces. */
function nameFrom(text: string): string {
    return text.trim().replace(/^\//, "").replace(/\s+/g, "-").slice(0, 40);
}

/** The saved prompts, to write, change and remove. */
export function Prompts({ onClose }: { onClose: () => void }) {
    const engine = useEngine();
    const [prompts, setPrompts] = useState(() => savedPrompts(engine));
    const [name, setName] = useState("");
    const [text, setText] = useState("");
    const store = (next: readonly SavedPrompt[]): void => {
        setPrompts(next);
        void engine.setSetting(null, "prompts", next.map(prompt => ({ ...prompt })));
    };
    const isNew = !prompts.some(prompt => prompt.name === nameFrom(name));
    return (
        <Dialog
            title="Saved prompts"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    disabled={nameFrom(name) === "" || text.trim() === ""}
                    onClick={() => {
                        const others = prompts.filter(prompt => prompt.name !== nameFrom(name));
                        store([...others, { name: nameFrom(name), text }].sort((left, right) => (left.name < right.name ? -1 : 1)));
                        setName("");
                        setText("");
                    }}
                >
                    {isNew ? "Add" : "Replace"}
                </button>
            }
        >
            <p className="hint">Type / and the name in the text box. Example: /review writes “Review this code for errors:”.</p>
            {prompts.length > 0 && (
                <ul className="prompts">
                    {prompts.map(prompt => (
                        <li key={prompt.name}>
                            <button
                                type="button"
                                className="prompt"
                                aria-label={`Change ${prompt.name}`}
                                onClick={() => {
                                    setName(prompt.name);
                                    setText(prompt.text);
                                }}
                            >
                                <span className="slash-name">/{prompt.name}</span>
                                <span className="slash-use">{prompt.text}</span>
                            </button>
                            <IconButton icon="trash" label={`Delete ${prompt.name}`} onClick={() => store(prompts.filter(other => other !== prompt))} />
                        </li>
                    ))}
                </ul>
            )}
            <label className="field">
                <span>Name</span>
                <input value={name} maxLength={40} onChange={event => setName(event.target.value)} />
            </label>
            <label className="field">
                <span>Text</span>
                <GrowingText label="Text" value={text} onChange={setText} rows={3} />
            </label>
        </Dialog>
    );
}
