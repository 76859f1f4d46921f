import { Suspense, useCallback, useLayoutEffect, useRef, useState } from "react";
import type { Attachment, ConversationID, SendProblem, Thread } from "../engine/types";
import { topics } from "../engine/types";
import { useEngine, useMedia, useTopic } from "./hooks";
import { Icon } from "./icons";
import { part } from "./part";
import { DraftAttachments } from "./parts/Attachments";
import { RunningBar } from "./parts/RunningBar";
import type { SlashKeys } from "./parts/SlashMenu";
import { openConversation } from "./router";
import { grow, IconButton } from "./ui";

const SlashMenu = part(() => import("./parts/SlashMenu"), "SlashMenu");
const Prompts = part(() => import("./parts/Prompts"), "Prompts");
const Queue = part(() => import("./parts/Queue"), "Queue");

/** The text box of a conversation; null = a chat that does not exist yet. */
export function Composer({ id, thread }: { id: ConversationID | null; thread: Thread | undefined }) {
    const engine = useEngine();
    const draftID = id ?? "new";
    const [text, setText] = useState("");
    const [attachments, setAttachments] = useState<readonly Attachment[]>([]);
    const [isDropping, setDropping] = useState(false);
    const [problem, setProblem] = useState<SendProblem | null>(null);
    const area = useRef<HTMLTextAreaElement>(null);
    const picker = useRef<HTMLInputElement>(null);
    const slash = useRef<SlashKeys>(null);
    const [isEditingPrompts, setEditingPrompts] = useState(false);
    const [isSlashClosed, setSlashClosed] = useState(false);
    const hasSlash = !isSlashClosed && /^\/\S*$/.test(text);
    const isTouch = useMedia("(pointer: coarse)");
    const running = thread?.running ?? null;
    useTopic(topics.models, current => current.models());
    useTopic(topics.server, current => current.server());

    // Each conversation has its own draft, which survives a reload. Before the next input event: a letter that is typed right
    // after a change of the conversation must not be removed.
    useLayoutEffect(() => {
        let isOver = false;
        setText("");
        setAttachments([]);
        setProblem(null);
        void engine.draft(draftID).then(draft => {
            if (isOver) return;
            const question = draftID === "new" ? new URLSearchParams(location.search).get("q") : null;
            setText(current => current || draft.text || (question ?? ""));
            setAttachments(draft.attachments);
        });
        if (!matchMedia("(pointer: coarse)").matches) area.current?.focus();
        return () => {
            isOver = true;
        };
    }, [engine, draftID]);
    useLayoutEffect(() => grow(area.current), [text]);

    const change = (next: string, files = attachments): void => {
        setText(next);
        setAttachments(files);
        setProblem(null);
        if (!next.startsWith("/")) setSlashClosed(false);
        engine.saveDraft(draftID, { text: next, attachments: files });
    };
    const latest = useRef({ text, attachments });
    latest.current = { text, attachments };

    const attach = useCallback(
        async (files: readonly File[]) => {
            for (const original of files) {
                const isPicture = original.type.startsWith("image/") && original.type !== "image/svg+xml";
                const size = Number(engine.setting(null, "imageMegapixels") ?? 0);
                const file = isPicture ? await import("./images").then(({ prepared }) => prepared(original, size)) : original;
                const attachment = await engine.attach(file, file.name || "pasted.txt");
                const next = [...latest.current.attachments, attachment];
                latest.current = { ...latest.current, attachments: next };
                setAttachments(next);
                engine.saveDraft(draftID, { text: latest.current.text, attachments: next });
            }
        },
        [engine, draftID],
    );

    const send = async (): Promise<void> => {
        const options = { text: text.trim() === "" ? "" : text, attachments };
        const found = engine.sendProblem(draftID, options);
        if (found) {
            if (found.reason !== "empty") setProblem(found);
            return;
        }
        change("", []);
        const target = id ?? (await engine.createConversation());
        await engine.send(target, options);
        if (!id) openConversation(target, undefined, true);
        void import("./reminder").then(({ protectChats }) => protectChats(engine), () => undefined);
    };

    const onKeyDown = (event: React.KeyboardEvent<HTMLTextAreaElement>): void => {
        if (event.nativeEvent.isComposing) return;
        if (hasSlash && slash.current?.press(event.key)) {
            event.preventDefault();
            event.stopPropagation();
            return;
        }
        if (event.key === "Enter") {
            const isForced = event.ctrlKey || event.metaKey;
            const sends = engine.setting(id, "sendOnEnter") !== false && !isTouch && !event.shiftKey && !isInFence(text, event.currentTarget);
            if (!isForced && !sends) return;
            event.preventDefault();
            void send();
        } else if (event.key === "ArrowUp" && text === "" && thread) {
            // The last own message is edited from an empty box.
            const questions = document.querySelectorAll<HTMLElement>('[data-role="user"] [data-action="edit"]');
            const edit = questions[questions.length - 1];
            if (!edit) return;
            event.preventDefault();
            edit.click();
        }
    };

    const onPaste = (event: React.ClipboardEvent): void => {
        const files = [...event.clipboardData.files];
        if (files.length > 0) {
            event.preventDefault();
            void attach(files);
            return;
        }
        const limit = Number(engine.setting(id, "pasteToFile") ?? 2500);
        const pasted = event.clipboardData.getData("text/plain");
        if (limit > 0 && pasted.length > limit) {
            event.preventDefault();
            void attach([new File([pasted], "pasted.txt", { type: "text/plain" })]);
        }
    };

    return (
        <div
            className={isDropping ? "composer-area is-dropping" : "composer-area"}
            onDragOver={event => {
                if (!event.dataTransfer.types.includes("Files")) return;
                event.preventDefault();
                setDropping(true);
            }}
            onDragLeave={() => setDropping(false)}
            onDrop={event => {
                event.preventDefault();
                setDropping(false);
                void attach([...event.dataTransfer.files]);
            }}
        >
            {thread && thread.queue.length > 0 && (
                <Suspense fallback={null}>
                    <Queue queue={thread.queue} />
                </Suspense>
            )}
            {running && <RunningBar id={running} hasStop={text.trim() !== ""} />}
            <form
                className="composer"
                onSubmit={event => {
                    event.preventDefault();
                    void send();
                }}
                onClick={event => {
                    if (event.target === event.currentTarget) area.current?.focus();
                }}
            >
                {hasSlash && (
                    <Suspense fallback={null}>
                        <SlashMenu
                            ref={slash}
                            id={id}
                            running={running}
                            query={text.slice(1)}
                            onText={next => {
                                change(next);
                                area.current?.focus();
                            }}
                            onPrompts={() => setEditingPrompts(true)}
                            onClose={() => setSlashClosed(true)}
                        />
                    </Suspense>
                )}
                <DraftAttachments
                    attachments={attachments}
                    onRemove={attachment => change(text, attachments.filter(other => other !== attachment))}
                />
                <textarea
                    ref={area}
                    rows={1}
                    data-composer=""
                    aria-label="Message"
                    placeholder={running ? (isTouch ? "Write a follow-up" : "Write a follow-up; it is sent when the answer ends") : "Write a message"}
                    value={text}
                    dir="auto"
                    onChange={event => change(event.target.value)}
                    onKeyDown={onKeyDown}
                    onPaste={onPaste}
                />
                <div className="composer-row">
                    <input
                        ref={picker}
                        type="file"
                        multiple
                        hidden
                        aria-label="Attach files"
                        onChange={event => {
                            void attach([...(event.target.files ?? [])]);
                            event.target.value = "";
                        }}
                    />
                    <IconButton icon="clip" label="Attach files" action="attach" onClick={() => picker.current?.click()} />
                    <span className="spacer" />
                    {running && text.trim() === "" ? (
                        <IconButton icon="stop" label="Stop (Esc)" action="stop" className="stop" isFilled onClick={() => void engine.stop(running)} />
                    ) : (
                        <button
                            type="submit"
                            className="icon-button send"
                            aria-label={running ? "Send when the answer ends" : "Send"}
                            title={running ? "Send when the answer ends" : "Send"}
                            data-action="send"
                            disabled={text.trim() === "" && attachments.length === 0}
                        >
                            <Icon name="send" />
                        </button>
                    )}
                </div>
                {isDropping && (
                    <div className="drop" aria-hidden="true">
                        Drop files here
                    </div>
                )}
            </form>
            {isEditingPrompts && (
                <Suspense fallback={null}>
                    <Prompts onClose={() => setEditingPrompts(false)} />
                </Suspense>
            )}
            {problem && (
                <p className="problem" role="alert">
                    {problem.words}
                    {problem.alternatives.map(name => (
                        <button
                            key={name}
                            type="button"
                            className="link-button"
                            onClick={() => {
                                void engine.chooseModel(id, name);
                                setProblem(null);
                            }}
                        >
                            Use {name}
                        </button>
                    ))}
                </p>
            )}
        </div>
    );
}

/** Whether the cursor is in an open code fence, where Enter adds a line. */
function isInFence(text: string, area: HTMLTextAreaElement): boolean {
    return (text.slice(0, area.selectionStart).match(/^```/gm)?.length ?? 0) % 2 === 1;
}
