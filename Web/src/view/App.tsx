import { Suspense, useCallback, useEffect, useState } from "react";
import type { ChatEngine, Message, Notice, Thread as ThreadSnapshot } from "../engine/types";
import { topics } from "../engine/types";
import { useBack } from "./back";
import { Composer } from "./Composer";
import { useClock, useEngine, useMedia, useTopic } from "./hooks";
import { Bird, Icon } from "./icons";
import { copyText } from "./clipboard";
import { useKeys } from "./keys";
import type { PageDialog } from "./keys";
import { loadMarkdown } from "./markdown/lazy";
import { recall, remember } from "./memory";
import { part } from "./part";
import { Gauge } from "./parts/Gauge";
import { ModelPicker } from "./parts/ModelPicker";
import { openConversation, useRoute } from "./router";
import { ServerBar } from "./ServerBar";
import { Sidebar } from "./Sidebar";
import { Thread } from "./Thread";
import { IconButton, Menu, saveFile } from "./ui";

// Parts that a first visit does not need; `preloadParts` reads them when the page is idle.
const loadServerPage = () => import("./ServerPage");
const loadSettings = () => import("./Settings");
const loadTransfer = () => import("./Transfer");
const loadSearch = () => import("./Search");
const loadTools = () => Promise.all([import("./parts/Tools"), import("./parts/Probabilities"), import("./parts/ModelDialog"), import("./parts/ModelList"), import("./parts/Editor"), import("./parts/GaugeDetails"), import("./parts/Queue"), import("./parts/SlashMenu"), import("./parts/Compare"), import("./speech")]);
const loadSteering = () => import("./parts/SteeringDialogs");
const Search = part(loadSearch, "Search");
const loadDialogs = () => import("./PageDialogs");
const Keys = part(loadDialogs, "Keys");
const SystemDialog = part(loadDialogs, "SystemDialog");
const ServerPage = part(loadServerPage, "ServerPage");
const Settings = part(loadSettings, "Settings");
const Transfer = part(loadTransfer, "Transfer");

/** Reads the lazy parts, so that they open at once even if the server is gone by then. */
export function preloadParts(): void {
    for (const load of [loadMarkdown, loadDialogs, loadSearch, loadSettings, loadSteering, loadTools, loadServerPage, loadTransfer]) load().catch(() => undefined);
}

/** The frame of the page: chats at the side, a conversation or the server in the middle. */
export function App() {
    const engine = useEngine();
    const route = useRoute();
    const isNarrow = useMedia("(max-width: 760px)");
    const [isSideOpen, setSideOpen] = useState(() => recall("martlet.side") !== "closed");
    const [isDrawerOpen, setDrawerOpen] = useState(false);
    const [open, setOpen] = useState<PageDialog>(null);
    const id = route.page === "chat" ? route.conversation : null;
    const thread = useTopic(id === null ? topics.conversations : topics.thread(id), current =>
        id === null ? undefined : current.thread(id),
    );
    const rows = useTopic(topics.conversations, current => current.conversations());
    useTopic(topics.settings, current => current.settings(null));
    const theme = engine.setting(null, "theme");

    useEffect(() => applyTheme(theme), [theme]);
    useEffect(() => {
        engine.show(id);
        return () => engine.show(null);
    }, [engine, id]);
    useEffect(() => {
        const unread = rows.filter(row => row.activity === "unread").length;
        const title = route.page === "server" ? "Server" : thread?.conversation.title ?? "New chat";
        document.title = `${unread > 0 ? `(${unread}) ` : ""}${title} · Martlet`;
    }, [rows, thread, route]);
    useEffect(() => setDrawerOpen(false), [route]);
    useEffect(() => followLink(engine), [engine]);
    // A reload would end a temporary chat, so the browser asks first.
    const isAtRisk = rows.some(({ conversation }) => conversation.isTemporary && conversation.leaf !== null);
    useEffect(() => {
        if (!isAtRisk) return;
        const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
        addEventListener("beforeunload", ask);
        return () => removeEventListener("beforeunload", ask);
    }, [isAtRisk]);

    const toggleSide = useCallback(() => {
        if (isNarrow) setDrawerOpen(value => !value);
        else
            setSideOpen(value => {
                remember("martlet.side", value ? "closed" : "open");
                return !value;
            });
    }, [isNarrow]);
    useKeys({ thread, open: setOpen, toggleSide });

    useBack(isNarrow && isDrawerOpen, () => setDrawerOpen(false));

    const isSideVisible = isNarrow ? isDrawerOpen : isSideOpen;
    return (
        <div className={`app${isSideVisible ? " has-side" : ""}${isNarrow ? " is-narrow" : ""}`}>
            <a className="skip-link" href="#main" onClick={event => {
                event.preventDefault();
                document.querySelector<HTMLElement>("[data-composer], .server")?.focus();
            }}>
                Go to the message box
            </a>
            {isSideVisible && (
                <Sidebar
                    current={id}
                    isServerPage={route.page === "server"}
                    onClose={() => setDrawerOpen(false)}
                    onSearch={() => setOpen("search")}
                    onSettings={() => setOpen("settings")}
                    onTransfer={() => setOpen("transfer")}
                />
            )}
            {isNarrow && isDrawerOpen && (
                <button type="button" className="scrim" aria-label="Close the list" onClick={() => setDrawerOpen(false)} />
            )}
            <main id="main" className="main" aria-label={route.page === "server" ? "Server" : "Chat"}>
                {thread && thread.messages.length > 0 && <h1 className="visually-hidden">{thread.conversation.title}</h1>}
                <header className="top">
                    <IconButton icon="menu" label="Chats (Ctrl B)" isExpanded={isSideVisible} onClick={toggleSide} />
                    {route.page === "chat" && <ModelPicker id={id} chosen={thread?.conversation.model ?? null} />}
                    <span className="spacer" />
                    {thread?.conversation.isTemporary && <span className="badge temporary">Temporary</span>}
                    {thread && <Gauge id={thread.conversation.id} thread={thread} />}
                    {thread && <ChatMenu thread={thread} open={setOpen} />}
                    {!thread && route.page === "chat" && !isSideVisible && (
                        <IconButton icon="gear" label="Settings" onClick={() => setOpen("settings")} />
                    )}
                    {(thread || route.page === "server") && !isSideVisible && (
                        <IconButton icon="plus" label="New chat" action="new" onClick={() => openConversation(null)} />
                    )}
                </header>
                <ServerBar />
                {route.page === "server" ? (
                    <div className="scroll">
                        <Suspense fallback={null}>
                            <ServerPage />
                        </Suspense>
                    </div>
                ) : (
                    <>
                        {id !== null && thread === undefined ? (
                            <Missing />
                        ) : thread && (thread.messages.length > 0 || !thread.isLoaded) ? (
                            <Thread thread={thread} focus={route.message} />
                        ) : (
                            <Welcome isTemporary={thread?.conversation.isTemporary === true} />
                        )}
                        <Composer id={id} thread={thread} />
                    </>
                )}
            </main>
            <Notices />
            <Announcer thread={thread} />
            <Suspense fallback={null}>
                {open === "search" && (
                    <Search
                        onClose={() => setOpen(null)}
                        open={{
                            settings: () => setOpen("settings"),
                            keys: () => setOpen("keys"),
                            transfer: () => setOpen("transfer"),
                        }}
                    />
                )}
                {open === "settings" && <Settings id={thread ? id : null} onClose={() => setOpen(null)} />}
                {open === "transfer" && <Transfer onClose={() => setOpen(null)} />}
                {open === "keys" && <Keys onClose={() => setOpen(null)} />}
                {open === "system" && thread && <SystemDialog thread={thread} onClose={() => setOpen(null)} />}
            </Suspense>
        </div>
    );
}

/** `?model=NAME` chooses the model of new chats, and `&load=true` loads it. */
function followLink(engine: ChatEngine): void {
    const query = new URLSearchParams(location.search);
    const model = query.get("model");
    if (!model) return;
    void engine.chooseModel(null, model);
    if (query.get("load") === "true") void engine.loadModel(model);
}

/** Applies a theme, and stores it for the next start, before anything is painted (`theme.ts`). */
function applyTheme(theme: unknown): void {
    if (theme === "light" || theme === "dark") {
        document.documentElement.dataset["theme"] = theme;
        remember("martlet.theme", theme);
    } else {
        delete document.documentElement.dataset["theme"];
        remember("martlet.theme", null);
    }
}

/** An empty chat. */
function Welcome({ isTemporary }: { isTemporary: boolean }) {
    const engine = useEngine();
    const server = useTopic(topics.server, current => current.server());
    // The bar at the top says it already.
    const hasBar = server.status !== "ready" && server.status !== "connecting";
    if (isTemporary) {
        return (
            <div className="welcome">
                <Icon name="ghost" />
                <h1>A temporary chat</h1>
                <p>Nothing of it is stored. It ends when this page is closed or reloaded.</p>
            </div>
        );
    }
    return (
        <div className="welcome">
            <Bird />
            <h1>What shall we work on?</h1>
            <p>{hasBar ? "" : server.words || "Everything stays between this browser and your server."}</p>
            <button
                type="button"
                className="link-button"
                data-action="temporary"
                onClick={() => void engine.createConversation(true).then(id => openConversation(id))}
            >
                Temporary chat
            </button>
        </div>
    );
}

function Missing() {
    return (
        <div className="welcome">
            <h1>This chat is not in this browser</h1>
            <p>
                It was deleted, or belongs to another browser. <a href="#/">Begin a new chat</a>
            </p>
        </div>
    );
}

function ChatMenu({ thread, open }: { thread: ThreadSnapshot; open: (what: PageDialog) => void }) {
    const engine = useEngine();
    const { id, title } = thread.conversation;
    return (
        <Menu
            label="More"
            icon="more"
            items={[
                thread.conversation.isTemporary
                    ? { label: "Keep this chat", icon: "check", action: "keep", run: () => void engine.keepConversation(id) }
                    : null,
                { label: "System prompt", icon: "text", run: () => open("system") },
                { label: "Settings of this chat", icon: "sliders", run: () => open("settings") },
                {
                    label: "Copy as Markdown",
                    icon: "copy",
                    run: () => void engine.exportConversations([id], "markdown").then(file => copyText(file.text)),
                },
                {
                    label: "Export",
                    icon: "out",
                    run: () => void engine.exportConversations([id], "martlet").then(file => saveFile(file.name, file.mimeType, file.text)),
                },
                { label: "Keyboard", icon: "info", detail: "Ctrl /", run: () => open("keys") },
                {
                    label: `Delete “${title.length > 20 ? title.slice(0, 20) + "…" : title}”`,
                    icon: "trash",
                    isDangerous: true,
                    run: () => {
                        void engine.removeConversations([id]);
                        openConversation(null);
                    },
                },
            ]}
        />
    );
}

function Notices() {
    const notices = useTopic(topics.notices, engine => engine.notices());
    return (
        <div className="notices" role="region" aria-label="Notices">
            {notices.map(notice => (
                <NoticeView key={notice.id} notice={notice} />
            ))}
        </div>
    );
}

function NoticeView({ notice }: { notice: Notice }) {
    const engine = useEngine();
    const { action } = notice;
    return (
        <div className={`notice is-${notice.kind}`} role={notice.kind === "error" ? "alert" : "status"}>
            <span>{notice.text}</span>
            {action && (
                <button
                    type="button"
                    className="link-button"
                    onClick={() => {
                        action.run();
                        engine.dismiss(notice.id);
                    }}
                >
                    {action.label}
                </button>
            )}
            <IconButton icon="close" label="Close" onClick={() => engine.dismiss(notice.id)} />
        </div>
    );
}

/** Tells a screen reader the phases of an answer and its end; never each token. */
function Announcer({ thread }: { thread: ThreadSnapshot | undefined }) {
    const engine = useEngine();
    const [words, setWords] = useState("");
    const last: Message | undefined = thread?.messages[thread.messages.length - 1];
    const state = last?.role === "assistant" ? last.state : "";
    useClock(false);
    useEffect(() => {
        if (!last || last.role !== "assistant") return;
        if (state === "reasoning") setWords("Thinking");
        else if (state === "answering") setWords("Writing");
        else if (state === "failed") setWords("The answer failed");
        else if (state === "done" && words !== "") {
            const text = engine.message(last.id)?.text ?? "";
            const isFull = engine.setting(null, "screenReaderFull") === true;
            const sentence = /^[\s\S]{0,200}?[.!?](\s|$)/.exec(text)?.[0] ?? text.slice(0, 200);
            setWords(isFull ? text : `${sentence} ${text.split(/\s+/).length} words.`);
        }
        // Only a change of the state is news.
    }, [state, last?.id]);
    return (
        <div className="visually-hidden" role="status" aria-live="polite" aria-atomic="true">
            {words}
        </div>
    );
}
