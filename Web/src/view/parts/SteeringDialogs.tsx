import { useState } from "react";
import type { InjectTime, Message, MessageID, Retune } from "../../engine/types";
import { topics } from "../../engine/types";
import { useEngine, useTopic } from "../hooks";
import { openConversation } from "../router";
import { Dialog, GrowingText } from "../ui";

/** New values for the answer that is being written. */
export function RetuneDialog({ id, onClose }: { id: MessageID; onClose: () => void }) {
    const engine = useEngine();
    const conversation = engine.message(id)?.conversation ?? null;
    const [values, setValues] = useState<{ [name: string]: string }>({});
    const fields: [keyof Retune & string, string, number, number, number][] = [
        ["temperature", "Temperature", 0, 2, 0.05],
        ["top_p", "Top P", 0, 1, 0.01],
        ["max_tokens", "Longest answer in tokens", 1, 1_000_000, 1],
    ];
    return (
        <Dialog
            title="Change the running answer"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    onClick={() => {
                        const changes = Object.fromEntries(
                            Object.entries(values)
                                .filter(([, value]) => value !== "")
                                .map(([name, value]) => [name, Number(value)]),
                        );
                        if (Object.keys(changes).length > 0) void engine.retune(id, changes);
                        onClose();
                    }}
                >
                    Apply from the next token
                </button>
            }
        >
            <p className="hint">The answer goes on with the new values; what is written stays.</p>
            {fields.map(([name, label, minimum, maximum, step]) => (
                <label className="field" key={name}>
                    <span>{label}</span>
                    <input
                        type="number"
                        min={minimum}
                        max={maximum}
                        step={step}
                        placeholder={String(engine.setting(conversation, name) ?? "as set")}
                        value={values[name] ?? ""}
                        onChange={event => setValues({ ...values, [name]: event.target.value })}
                    />
                </label>
            ))}
        </Dialog>
    );
}

/** The text so far, cut and changed by hand; the model goes on behind it. */
export function RewindDialog({ message, onClose }: { message: Message; onClose: () => void }) {
    const engine = useEngine();
    const [original] = useState(() => engine.message(message.id)?.text ?? "");
    const [text, setText] = useState(original);
    return (
        <Dialog
            title="Rewind and edit"
            className="wide"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    onClick={() => {
                        let same = 0;
                        while (same < text.length && text[same] === original[same]) same += 1;
                        const kept = text.slice(0, same);
                        const added = text.slice(same);
                        void (added === "" ? engine.rewind(message.id, kept) : engine.rewindAndEdit(message.id, kept, added));
                        onClose();
                    }}
                >
                    Write on from here
                </button>
            }
        >
            <p className="hint">Cut the text where it went wrong, and change it. The model writes on behind your text.</p>
            <GrowingText label="Answer so far" value={text} onChange={setText} autoFocus />
        </Dialog>
    );
}

/** A text that enters the answer while it is written. */
export function InjectDialog({ id, onClose }: { id: MessageID; onClose: () => void }) {
    const engine = useEngine();
    const [text, setText] = useState("");
    const [when, setWhen] = useState<InjectTime>("sentence");
    const [role, setRole] = useState<"assistant" | "user">("user");
    return (
        <Dialog
            title="Insert a text"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    disabled={text === ""}
                    onClick={() => {
                        void engine.inject(id, text, when, role);
                        onClose();
                    }}
                >
                    Insert
                </button>
            }
        >
            <GrowingText label="Text" value={text} onChange={setText} placeholder="Keep it short, please" rows={3} autoFocus />
            <label className="field">
                <span>As</span>
                <select value={role} onChange={event => setRole(event.target.value as "assistant" | "user")}>
                    <option value="user">my message</option>
                    <option value="assistant">the model's own words</option>
                </select>
            </label>
            <label className="field">
                <span>When</span>
                <select value={when} onChange={event => setWhen(event.target.value as InjectTime)}>
                    <option value="now">at once</option>
                    <option value="sentence">at the end of the sentence</option>
                    <option value="after_reasoning">after the thinking</option>
                    <option value="new_turn">at the end of the answer</option>
                </select>
            </label>
        </Dialog>
    );
}

/** A new chat with a copy of the messages up to one of them. */
export function BranchDialog({ message, onClose }: { message: Message; onClose: () => void }) {
    const engine = useEngine();
    const thread = engine.thread(message.conversation);
    const [title, setTitle] = useState(thread ? `${thread.conversation.title} (branch)` : "");
    const [hasFiles, setFiles] = useState(true);
    const attachments = thread?.messages.some(other => other.attachments.length > 0) ?? false;
    const branch = (): void => {
        onClose();
        void engine.branch(message.id, hasFiles, title).then(id => openConversation(id));
    };
    return (
        <Dialog
            title="Continue in a new chat"
            onClose={onClose}
            actions={
                <button type="button" className="button primary" onClick={branch}>
                    Continue
                </button>
            }
        >
            <p className="hint">The new chat begins with a copy of the messages up to this one. This chat stays as it is.</p>
            <label className="field">
                <span>Title</span>
                <input
                    value={title}
                    autoFocus
                    onChange={event => setTitle(event.target.value)}
                    onKeyDown={event => event.key === "Enter" && branch()}
                />
            </label>
            {attachments && (
                <label className="check">
                    <input type="checkbox" checked={hasFiles} onChange={event => setFiles(event.target.checked)} /> with the attached files
                </label>
            )}
        </Dialog>
    );
}

/** A new version with another model or another temperature. */
export function RegenerateDialog({ message, onClose }: { message: Message; onClose: () => void }) {
    const engine = useEngine();
    const feed = useTopic(topics.models, current => current.models());
    const [model, setModel] = useState(message.model ?? "");
    const [temperature, setTemperature] = useState("");
    return (
        <Dialog
            title="Write again"
            onClose={onClose}
            actions={
                <button
                    type="button"
                    className="button primary"
                    onClick={() => {
                        onClose();
                        void engine.regenerate(message.id, {
                            ...(model ? { model } : {}),
                            ...(temperature === "" ? {} : { overrides: { temperature: Number(temperature) } }),
                        });
                    }}
                >
                    Write again
                </button>
            }
        >
            <label className="field">
                <span>Model</span>
                <select value={model} onChange={event => setModel(event.target.value)}>
                    {feed.models.map(({ name }) => (
                        <option key={name}>{name}</option>
                    ))}
                </select>
            </label>
            <label className="field">
                <span>Temperature of this answer</span>
                <input
                    type="number"
                    min="0"
                    max="5"
                    step="0.1"
                    placeholder="as set"
                    value={temperature}
                    onChange={event => setTemperature(event.target.value)}
                />
            </label>
        </Dialog>
    );
}
