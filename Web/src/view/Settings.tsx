import { useId, useState } from "react";
import type { ConversationID, JSONValue, ResolvedSetting } from "../engine/types";
import { topics } from "../engine/types";
import { useEngine, useTopic } from "./hooks";
import { Dialog, GrowingText } from "./ui";

const sections: readonly [ResolvedSetting["field"]["section"], string][] = [
    ["general", "General"],
    ["display", "Display"],
    ["sampling", "Sampling"],
    ["limits", "Limits"],
    ["reasoning", "Reasoning"],
    ["output", "Output"],
    ["developer", "Developer"],
];

const sources: { readonly [source: string]: string } = {
    server: "of the server",
    page: "as shipped",
    browser: "yours",
    conversation: "of this chat",
};

/** The settings: server → yours → this chat, each with its source and a way back. */
export function Settings({ id, onClose }: { id: ConversationID | null; onClose: () => void }) {
    const engine = useEngine();
    const [level, setLevel] = useState<"browser" | "conversation">("browser");
    const [query, setQuery] = useState("");
    const target = level === "conversation" ? id : null;
    const settings = useTopic(topics.settings, current => current.settings(target));
    const wanted = query.trim().toLowerCase();
    const shown = settings.filter(({ field }) => {
        if (level === "conversation" && !field.isRequestField) return false;
        return `${field.name} ${field.label} ${field.help}`.toLowerCase().includes(wanted);
    });
    return (
        <Dialog title="Settings" className="wide settings" onClose={onClose}>
            <div className="settings-head">
                {id && (
                    <div className="segments" role="group" aria-label="Level">
                        <button type="button" aria-pressed={level === "browser"} onClick={() => setLevel("browser")}>
                            All chats
                        </button>
                        <button type="button" aria-pressed={level === "conversation"} onClick={() => setLevel("conversation")}>
                            This chat
                        </button>
                    </div>
                )}
                <input type="search" aria-label="Search settings" placeholder="Search settings" value={query} onChange={event => setQuery(event.target.value)} />
            </div>
            {sections.map(([section, title]) => {
                const fields = shown.filter(({ field }) => field.section === section);
                if (fields.length === 0) return null;
                return (
                    <section key={section} className="settings-section">
                        <h3>{title}</h3>
                        {fields.map(setting => (
                            <Field
                                key={setting.field.name}
                                setting={setting}
                                onChange={value => void engine.setSetting(target, setting.field.name, value)}
                                level={level}
                            />
                        ))}
                    </section>
                );
            })}
            {shown.length === 0 && <p className="empty">No setting has this name.</p>}
        </Dialog>
    );
}

function Field(props: {
    setting: ResolvedSetting;
    level: "browser" | "conversation";
    onChange: (value: JSONValue | undefined) => void;
}) {
    const { field, value, source } = props.setting;
    const id = useId();
    const isOwn = source === props.level;
    return (
        <div className={isOwn ? "setting is-own" : "setting"}>
            <label htmlFor={id}>{field.label}</label>
            <span className="setting-source">
                {sources[source]}
                {isOwn && (
                    <button type="button" className="link-button" aria-label={`Reset ${field.label}`} onClick={() => props.onChange(undefined)}>
                        reset
                    </button>
                )}
            </span>
            <Control id={id} setting={props.setting} value={value} onChange={props.onChange} />
            {field.help && <p className="setting-help">{field.help}</p>}
        </div>
    );
}

function Control(props: {
    id: string;
    setting: ResolvedSetting;
    value: JSONValue;
    onChange: (value: JSONValue | undefined) => void;
}) {
    const { id, value, onChange } = props;
    const { field } = props.setting;
    const [draft, setDraft] = useState<string | null>(null);
    const [isWrong, setWrong] = useState(false);
    switch (field.kind) {
        case "switch":
            return (
                <input id={id} type="checkbox" role="switch" checked={value === true} onChange={event => onChange(event.target.checked)} />
            );
        case "choice":
            return (
                <select id={id} value={String(value ?? "")} onChange={event => onChange(event.target.value === "" ? undefined : event.target.value)}>
                    {field.choices.map(choice => (
                        <option key={choice} value={choice}>
                            {choice === "" ? "as the model likes" : choice}
                        </option>
                    ))}
                </select>
            );
        case "number":
        case "integer":
            return (
                <input
                    id={id}
                    type="number"
                    inputMode={field.kind === "integer" ? "numeric" : "decimal"}
                    min={field.minimum ?? undefined}
                    max={field.maximum ?? undefined}
                    step={field.step ?? "any"}
                    value={draft ?? (value === null ? "" : String(value))}
                    onChange={event => {
                        setDraft(event.target.value);
                        const number = event.target.valueAsNumber;
                        if (Number.isFinite(number) && event.target.validity.valid) onChange(number);
                    }}
                    onBlur={() => setDraft(null)}
                />
            );
        case "text":
            return (
                <GrowingText
                    label={field.label}
                    rows={field.name === "systemPrompt" ? 3 : 1}
                    value={draft ?? (typeof value === "string" ? value : "")}
                    onChange={text => {
                        setDraft(text);
                        onChange(text);
                    }}
                />
            );
        case "lines":
        case "json": {
            const isLines = field.kind === "lines";
            const text = isLines
                ? (Array.isArray(value) ? value : []).map(line => (typeof line === "string" ? line : JSON.stringify(line))).join("\n")
                : value === null
                  ? ""
                  : JSON.stringify(value, null, 2);
            return (
                <span className={isWrong ? "json-field is-wrong" : "json-field"}>
                    <GrowingText
                        label={field.label}
                        rows={2}
                        isCode
                        value={draft ?? text}
                        onChange={next => {
                            setDraft(next);
                            if (next.trim() === "") {
                                setWrong(false);
                                return onChange(undefined);
                            }
                            if (isLines) return onChange(next.split("\n").filter(line => line !== ""));
                            try {
                                onChange(JSON.parse(next) as JSONValue);
                                setWrong(false);
                            } catch {
                                setWrong(true);
                            }
                        }}
                    />
                    {isWrong && <small role="alert">This is not JSON yet.</small>}
                </span>
            );
        }
    }
}
