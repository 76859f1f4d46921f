import { useState } from "react";
import type { InjectTime, Message, MessageID, Retune } from "../../engine/types";
import { useClock, useEngine, useMessage } from "../hooks";
import { Dialog, GrowingText, IconButton, Menu } from "../ui";
import { runningTime } from "./MessageView";

const phases: { readonly [state: string]: string } = {
    sending: "Sending",
    queued: "Waiting",
    loading: "Loading the model",
    prompting: "Reading",
    reasoning: "Thinking",
    answering: "Writing",
    tool: "Calling a tool",
    paused: "Paused",
    stopping: "Stopping",
};

type Command = "retune" | "rewind" | "inject" | "fork";

/** What runs, and the controls over it: they act on the answer while it is being written. */
export function RunningBar({ id }: { id: MessageID }) {
    const engine = useEngine();
    const message = useMessage(id);
    const now = useClock(true);
    const [command, setCommand] = useState<Command | null>(null);
    const [isSkipping, setSkipping] = useState(false);
    if (!message) return null;
    const actions = engine.actions(id);
    const phase = isSkipping && message.state === "reasoning" ? "Skipping" : phases[message.state] ?? "";
    return (
        <div className="running" role="group" aria-label="Running answer">
            <span className="running-phase">
                <span className={message.state === "paused" ? "pulse is-still" : "pulse"} aria-hidden="true" />
                {phase}
                <time>{runningTime(message, now)}</time>
            </span>
            <span className="spacer" />
            {actions.skipThinking && (
                <button
                    type="button"
                    className="button quiet"
                    data-action="skip"
                    disabled={isSkipping}
                    onClick={() => {
                        setSkipping(true);
                        void engine.skipThinking(id).finally(() => setSkipping(false));
                    }}
                >
                    Skip thinking
                </button>
            )}
            {actions.pause && <IconButton icon="pause" label="Pause" action="pause" onClick={() => void engine.pause(id)} />}
            {actions.resume && (
                <IconButton icon="play" label="Go on" action="resume" isFilled onClick={() => void engine.resume(id)} />
            )}
            {actions.stop && <IconButton icon="stop" label="Stop (Esc)" action="stop" isFilled onClick={() => void engine.stop(id)} />}
            <Menu
                label="Steer the answer"
                icon="sliders"
                items={[
                    actions.retune ? { label: "Change temperature and limits", icon: "sliders", run: () => setCommand("retune") } : null,
                    actions.rewind ? { label: "Rewind and edit", icon: "rewind", run: () => setCommand("rewind") } : null,
                    actions.inject ? { label: "Insert a text", icon: "inject", run: () => setCommand("inject") } : null,
                    actions.forkRunning ? { label: "Write a second version beside it", icon: "fork", run: () => void engine.forkRunning(id, 1) } : null,
                ]}
            />
            {command === "retune" && <RetuneDialog id={id} onClose={() => setCommand(null)} />}
            {command === "rewind" && <RewindDialog message={message} onClose={() => setCommand(null)} />}
            {command === "inject" && <InjectDialog id={id} onClose={() => setCommand(null)} />}
        </div>
    );
}

function RetuneDialog({ id, onClose }: { id: MessageID; onClose: () => void }) {
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
function RewindDialog({ message, onClose }: { message: Message; onClose: () => void }) {
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

function InjectDialog({ id, onClose }: { id: MessageID; onClose: () => void }) {
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
