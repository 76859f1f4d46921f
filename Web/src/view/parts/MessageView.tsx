import { memo, Suspense, useState } from "react";
import type { Attachment, Message, MessageID } from "../../engine/types";
import { isRunning } from "../../engine/actions";
import { topics } from "../../engine/types";
import { bytes, duration, parsed } from "../format";
import { useClock, useEngine, useMessage, useStream, useTopic } from "../hooks";
import { Icon } from "../icons";
import { copyText } from "../clipboard";
import { recall } from "../memory";
import { part } from "../part";
import { Dialog, IconButton, Menu, MenuItem, Progress } from "../ui";
import { Answer, RawAnswer } from "./Answer";
import { AttachmentPicture } from "./Attachments";
import { Reasoning } from "./Reasoning";
import { StatisticsLine } from "./StatisticsLine";

const JSONTree = part(() => import("./JSONTree"), "JSONTree");
const Probabilities = part(() => import("./Probabilities"), "Probabilities");
const ToolCalls = part(() => import("./Tools"), "ToolCalls");
const RegenerateDialog = part(() => import("./SteeringDialogs"), "RegenerateDialog");
const Editor = part(() => import("./Editor"), "Editor");
const BranchDialog = part(() => import("./SteeringDialogs"), "BranchDialog");

/** A message of the thread with everything that belongs to it. */
export const MessageView = memo(function MessageView(props: {
    id: MessageID;
    results: readonly Message[];
    isLast: boolean;
}) {
    const message = useMessage(props.id);
    // An unsaved edit is open again after a reload (`Editor`).
    const [isEditing, setEditing] = useState(() => recall(`martlet.edit.${props.id}`, true) !== null);
    if (!message) return null;
    const isUser = message.role === "user";
    return (
        <article
            className={`message ${message.role}${props.isLast ? " is-last" : ""}`}
            id={`m-${message.id}`}
            data-message={message.id}
            data-role={message.role}
            data-state={message.state}
            aria-label={isUser ? "You" : message.role === "system" ? "System prompt" : `Assistant${message.model ? ", " + message.model : ""}`}
            aria-busy={isRunning(message.state) || undefined}
            tabIndex={-1}
            onKeyDown={event => {
                if (event.target !== event.currentTarget) return;
                const step = event.key === "]" ? 1 : event.key === "[" ? -1 : 0;
                if (step) document.getElementById(`m-${message.id}`)?.querySelector<HTMLElement>(`[data-version="${step}"]`)?.click();
            }}
        >
            {isEditing ? (
                <Suspense fallback={null}>
                    <Editor message={message} onEnd={() => setEditing(false)} />
                </Suspense>
            ) : isUser ? (
                <UserMessage message={message} onEdit={() => setEditing(true)} />
            ) : (
                <AssistantMessage {...props} message={message} onEdit={() => setEditing(true)} />
            )}
        </article>
    );
});

function UserMessage({ message, onEdit }: { message: Message; onEdit: () => void }) {
    return (
        <>
            {message.attachments.length > 0 && (
                <ul className="attachments">
                    {message.attachments.map(attachment => (
                        <li key={attachment.id}>
                            <AttachmentChip attachment={attachment} />
                        </li>
                    ))}
                </ul>
            )}
            {message.text && <Bubble text={message.text} />}
            <Actions message={message} onEdit={onEdit} />
        </>
    );
}

/** The text of a question; a long one is cut until it is opened. */
function Bubble({ text }: { text: string }) {
    const [isOpen, setOpen] = useState(false);
    const isLong = text.length > 1800 || text.split("\n", 25).length > 24;
    return (
        <div className={isLong && !isOpen ? "bubble is-cut" : "bubble"}>
            <div data-text="" dir="auto">
                {text}
            </div>
            {isLong && (
                <button type="button" className="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
                    {isOpen ? "Show less" : "Show all"}
                </button>
            )}
        </div>
    );
}

function AttachmentChip({ attachment }: { attachment: Attachment }) {
    const [isOpen, setOpen] = useState(false);
    if (attachment.kind === "image") return <AttachmentPicture attachment={attachment} />;
    return (
        <>
            <button type="button" className="chip" disabled={attachment.text === null} onClick={() => setOpen(true)}>
                <Icon name="file" />
                <span>{attachment.name}</span>
                <small>{bytes(attachment.size)}</small>
            </button>
            {isOpen && (
                <Dialog title={attachment.name} onClose={() => setOpen(false)}>
                    <pre className="raw" tabIndex={0}>
                        {attachment.text}
                    </pre>
                </Dialog>
            )}
        </>
    );
}

/** The forms in which an answer can be shown. */
type Form = "text" | "raw" | "tree" | "tokens";

function AssistantMessage(props: {
    message: Message;
    results: readonly Message[];
    isLast: boolean;
    onEdit: () => void;
}) {
    const { message } = props;
    const engine = useEngine();
    const value = message.isStructured && message.state === "done" ? parsed(message.text) : undefined;
    const [choice, setForm] = useState<Form | null>(null);
    const form = choice ?? (value !== undefined ? "tree" : "text");
    const showsReasoning = message.state === "reasoning" || message.reasoning.trim() !== "";
    const showsFigures = engine.setting(message.conversation, "showStatistics") !== false;
    return (
        <>
            {showsReasoning && <Reasoning message={message} />}
            <Suspense fallback={null}>
            {form === "tree" && value !== undefined ? (
                <JSONTree value={value} />
            ) : form === "tokens" ? (
                <Probabilities id={message.id} />
            ) : form === "raw" ? (
                <RawAnswer id={message.id} />
            ) : (
                <Answer id={message.id} />
            )}
            {message.toolCalls.length > 0 && <ToolCalls message={message} results={props.results} />}
            </Suspense>
            <StatusLine message={message} />
            <Ending message={message} />
            {!isRunning(message.state) && (
                <footer className="message-foot">
                    <Actions message={message} onEdit={props.onEdit} form={form} onForm={setForm} hasTree={value !== undefined} />
                    {showsFigures && <StatisticsLine message={message} />}
                </footer>
            )}
        </>
    );
}

/** What a running answer waits for, in one line. Nothing while text streams. */
function StatusLine({ message }: { message: Message }) {
    const engine = useEngine();
    const stream = useStream(message.id);
    const next = stream?.nextAttemptAt ?? null;
    const now = useClock(next !== null, 500);
    // The bar above the text box says that an answer is paused.
    if (!stream?.words || !isRunning(message.state) || message.state === "paused") return null;
    const isLost = stream.connection === "lost" || stream.connection === "stalled";
    return (
        <p className={isLost ? "status is-lost" : "status"} role="status" data-status="">
            <span className="dots" aria-hidden="true">
                <i />
                <i />
                <i />
            </span>
            <span>
                {stream.words}
                {next !== null && next - now > 900 && ` ${Math.ceil((next - now) / 1000)} s`}
            </span>
            {stream.progress !== null && <Progress value={stream.progress} label={stream.words} />}
            {isLost && (
                <button type="button" className="link-button" onClick={() => engine.reconnectNow(message.id)}>
                    Try now
                </button>
            )}
        </p>
    );
}

/** Why an answer is not complete, and what can be done. */
function Ending({ message }: { message: Message }) {
    const engine = useEngine();
    const actions = engine.actions(message.id);
    const { failure, state } = message;
    const text =
        failure?.message ??
        (state === "stopped" ? "Stopped" : state === "interrupted" ? "Interrupted" : message.finishReason === "length" ? "Cut at the limit of the answer's length" : "");
    if (text === "" || (state !== "failed" && state !== "stopped" && state !== "interrupted" && state !== "done")) return null;
    return (
        <div className={state === "failed" ? "ending is-failed" : "ending"} role={state === "failed" ? "alert" : undefined}>
            <p>
                {text}
                {failure?.promptTokens != null && failure.contextTokens != null && !text.includes(String(failure.promptTokens)) && (
                    <> · {failure.promptTokens} tokens, but the context has {failure.contextTokens}</>
                )}
            </p>
            {actions.continue && (
                <button type="button" className="button" data-action="continue" onClick={() => void engine.continueAnswer(message.id)}>
                    Continue
                </button>
            )}
            {actions.regenerate && (
                <button type="button" className="button quiet" data-action="regenerate" onClick={() => void engine.regenerate(message.id)}>
                    Write again
                </button>
            )}
        </div>
    );
}

function Actions(props: {
    message: Message;
    onEdit: () => void;
    form?: Form;
    onForm?: (form: Form) => void;
    hasTree?: boolean;
}) {
    const { message, form, onForm } = props;
    const engine = useEngine();
    const [isCopied, setCopied] = useState(false);
    const [dialog, setDialog] = useState<"again" | "branch" | null>(null);
    const [isSpoken, setSpoken] = useState(false);
    const actions = engine.actions(message.id);
    const isAnswer = message.role === "assistant";
    const toggle = (value: Form): void => onForm?.(form === value ? "text" : value);
    const size = engine.removalSize(message.id);
    const items: (MenuItem | null)[] = [
        isAnswer && actions.regenerate ? { label: "Write again with …", icon: "again", run: () => setDialog("again") } : null,
        isAnswer && actions.regenerate && engine.models().models.length > 1
            ? { label: "Compare models …", icon: "fork", run: () => compare(message, true) }
            : null,
        isAnswer && engine.versions(message.id).count > 1
            ? { label: "Versions side by side", icon: "fork", action: "compare", run: () => compare(message, false) }
            : null,
        actions.branch
            ? {
                  label: "Continue in a new chat",
                  icon: "branch",
                  action: "branch",
                  run: () => setDialog("branch"),
              }
            : null,
        isAnswer && "speechSynthesis" in window
            ? { label: isSpoken ? "Stop reading" : "Read aloud", icon: "sound", action: "speak", run: () => readAloud(message.id, isSpoken, setSpoken) }
            : null,
        isAnswer ? { label: "Copy as plain text", icon: "copy", run: () => void copyPlainText(message) } : null,
        isAnswer ? { label: form === "raw" ? "Show as text" : "Show as written", icon: "text", run: () => toggle("raw") } : null,
        props.hasTree ? { label: form === "tree" ? "Show as text" : "Show as tree", icon: "tree", run: () => toggle(form === "tree" ? "raw" : "tree") } : null,
        message.probabilities.length > 0
            ? { label: form === "tokens" ? "Hide probabilities" : "Show probabilities", icon: "tokens", run: () => toggle("tokens") }
            : null,
        actions.remove
            ? {
                  label: size > 1 ? `Delete ${size} messages` : "Delete",
                  icon: "trash",
                  isDangerous: true,
                  action: "delete",
                  run: () => void engine.remove(message.id),
              }
            : null,
    ];
    return (
        <div className="actions">
            <Versions id={message.id} conversation={message.conversation} />
            <IconButton
                icon={isCopied ? "check" : "copy"}
                label={isCopied ? "Copied" : "Copy"}
                action="copy"
                onClick={() => {
                    void copyText(engine.message(message.id)?.text ?? "").then(isDone => {
                        setCopied(isDone);
                        setTimeout(() => setCopied(false), 1500);
                    });
                }}
            />
            {actions.edit && <IconButton icon="edit" label="Edit" action="edit" onClick={props.onEdit} />}
            {isAnswer && actions.regenerate && (
                <IconButton icon="again" label="Write again" action="regenerate" onClick={() => void engine.regenerate(message.id)} />
            )}
            <Menu label="More" icon="more" items={items} align={isAnswer ? "start" : "end"} />
            <Suspense fallback={null}>
                {dialog === "again" && <RegenerateDialog message={message} onClose={() => setDialog(null)} />}
                {dialog === "branch" && <BranchDialog message={message} onClose={() => setDialog(null)} />}
            </Suspense>
        </div>
    );
}

/** What the dialog with versions side by side shows; `asks`: which models shall answer, too, is asked first. */
export interface Comparison {
    readonly message: Message;
    readonly asks: boolean;
}

function compare(message: Message, asks: boolean): void {
    const detail: Comparison = { message, asks };
    dispatchEvent(new CustomEvent("martlet.compare", { detail }));
}

/** The element with the rendered answer. */
function shownText(id: MessageID): HTMLElement | null {
    return document.getElementById(`m-${id}`)?.querySelector<HTMLElement>("[data-text]") ?? null;
}

async function copyPlainText(message: Message): Promise<void> {
    const { plainText } = await import("../copying");
    const shown = shownText(message.id);
    await copyText(shown ? plainText(shown) : message.text);
}

/** Begins or ends the reading of an answer. */
function readAloud(id: MessageID, isSpoken: boolean, setSpoken: (isSpoken: boolean) => void): void {
    void import("../speech").then(({ speak, stopSpeaking }) => {
        const text = shownText(id);
        if (isSpoken || !text) return stopSpeaking();
        setSpoken(true);
        speak(text, () => setSpoken(false));
    });
}

/** "2/3" with arrows, where a message has several versions. */
function Versions({ id, conversation }: { id: MessageID; conversation: string }) {
    const engine = useEngine();
    // A text is the same value until it changes, which an object would not be.
    useTopic(topics.thread(conversation), current => current.versions(id).versions.join());
    const { index, count, versions } = engine.versions(id);
    if (count < 2) return null;
    const select = (step: number) => {
        const target = versions[index + step];
        if (target) void engine.selectVersion(target);
    };
    return (
        <div
            className="versions"
            role="group"
            aria-label={`Version ${index + 1} of ${count}`}
            onKeyDown={event => {
                if (event.key === "ArrowLeft") select(-1);
                if (event.key === "ArrowRight") select(1);
            }}
        >
            <button type="button" aria-label="Previous version" data-version="-1" disabled={index === 0} onClick={() => select(-1)}>
                <Icon name="left" />
            </button>
            <span>
                {index + 1}/{count}
            </span>
            <button type="button" aria-label="Next version" data-version="1" disabled={index === count - 1} onClick={() => select(1)}>
                <Icon name="right" />
            </button>
        </div>
    );
}

/** How long an answer has been running, for the bar above the text box. */
export function runningTime(message: Message, now: number): string {
    const seconds = message.stream ? Math.floor((now - message.stream.startedAt) / 1000) : 0;
    return seconds < 1 ? "" : duration(seconds * 1000).replace(".0 s", " s");
}
