import { useRef, useState } from "react";
import type { ExportFormat, ImportPreview } from "../engine/types";
import { useEngine } from "./hooks";
import { noteExport } from "./reminder";
import { Dialog, saveFile } from "./ui";

const formats: readonly [ExportFormat, string, string][] = [
    ["martlet", "Martlet", "everything, with branches and attachments"],
    ["llama", "llama.cpp", "for the page of llama-server"],
    ["openai", "OpenAI", "the visible messages, as JSON"],
    ["markdown", "Markdown", "to read"],
];

/** Import and export of all chats. */
export function Transfer({ onClose }: { onClose: () => void }) {
    const engine = useEngine();
    const [format, setFormat] = useState<ExportFormat>("martlet");
    const [preview, setPreview] = useState<ImportPreview | null>(null);
    const [words, setWords] = useState("");
    const picker = useRef<HTMLInputElement>(null);
    const ids = engine.conversations().map(row => row.conversation.id);
    return (
        <Dialog title="Import and export" onClose={onClose}>
            <section className="settings-section">
                <h3>Export</h3>
                <fieldset className="radios">
                    <legend className="visually-hidden">Format</legend>
                    {formats.map(([value, name, use]) => (
                        <label key={value}>
                            <input type="radio" name="format" checked={format === value} onChange={() => setFormat(value)} />
                            <span>{name}</span>
                            <small>{use}</small>
                        </label>
                    ))}
                </fieldset>
                <button
                    type="button"
                    className="button"
                    disabled={ids.length === 0}
                    onClick={() =>
                        void engine.exportConversations(ids, format).then(file => {
                            saveFile(file.name, file.mimeType, file.text);
                            noteExport();
                        })
                    }
                >
                    Export {ids.length} {ids.length === 1 ? "chat" : "chats"}
                </button>
            </section>
            <section className="settings-section">
                <h3>Import</h3>
                <p className="hint">Files of Martlet, llama.cpp, OpenAI and Open WebUI. Nothing that is newer here is replaced.</p>
                <input
                    ref={picker}
                    type="file"
                    hidden
                    aria-label="File to import"
                    accept=".json,.jsonl,.txt"
                    onChange={event => {
                        const file = event.target.files?.[0];
                        event.target.value = "";
                        if (!file) return;
                        setWords("");
                        void file
                            .text()
                            .then(text => engine.readImport(file.name, text))
                            .then(setPreview, (problem: unknown) => setWords(problem instanceof Error ? problem.message : String(problem)));
                    }}
                />
                {preview ? (
                    <div className="import-preview">
                        <p>
                            {preview.conversations === 0 ? "Nothing to import" : `${preview.conversations} chats with ${preview.messages} messages`}
                            {preview.skipped > 0 && `; ${preview.skipped} are here already`}
                        </p>
                        {preview.problems.slice(0, 5).map(problem => (
                            <p className="hint" key={problem}>
                                {problem}
                            </p>
                        ))}
                        <div className="preview-actions">
                        {preview.conversations > 0 && <button
                            type="button"
                            className="button primary"
                            onClick={() => {
                                void preview.commit().then(stored => setWords(`${stored} chats imported`));
                                setPreview(null);
                            }}
                        >
                            Import
                        </button>}
                        <button type="button" className="button quiet" onClick={() => setPreview(null)}>
                            Cancel
                        </button>
                        </div>
                    </div>
                ) : (
                    <button type="button" className="button" onClick={() => picker.current?.click()}>
                        Choose a file …
                    </button>
                )}
                {words && <p role="status">{words}</p>}
            </section>
        </Dialog>
    );
}
