/** HTML and JavaScript of an answer, in a frame that is an origin of its own without network, storage and forms. */

/** What a run of code printed, and why it ended early. */
export interface RunOutput {
    readonly lines: readonly string[];
    readonly error: string | null;
}

/** Milliseconds for a run, a little longer than the frame's own limit. */
const patience = 8_000;

/**
 * A frame with `preview.html`, which gets one message when it is there. The server sends that file with a policy of its own;
 * the attribute forbids the same once more.
 */
function frameFor(message: { readonly html?: string; readonly code?: string }, receive: (data: unknown) => void): HTMLIFrameElement {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.title = "Preview";
    frame.src = new URL(`./${PREVIEW_PAGE}`, import.meta.url).href;
    let isSent = false;
    const listen = (event: MessageEvent): void => {
        if (!frame.isConnected) return removeEventListener("message", listen);
        if (event.source !== frame.contentWindow) return;
        if (isSent) receive(event.data);
        else frame.contentWindow?.postMessage(message, "*");
        isSent = true;
        // The document of an answer takes the place of the page of the frame, and nothing of it is read.
        if (message.html !== undefined) removeEventListener("message", listen);
    };
    addEventListener("message", listen);
    return frame;
}

/** Shows HTML as a page below its code, or removes it again. */
export function togglePreview(figure: HTMLElement, html: string, button: HTMLButtonElement): void {
    const shown = figure.querySelector("iframe");
    button.setAttribute("aria-pressed", String(!shown));
    if (shown) shown.remove();
    else figure.append(frameFor({ html }, () => undefined));
}

/** Runs JavaScript in a worker of a hidden frame. Never rejects. */
export function runJavaScript(code: string): Promise<RunOutput> {
    return new Promise(done => {
        const end = (output: RunOutput): void => {
            clearTimeout(timer);
            frame.remove();
            done(output);
        };
        const timer = setTimeout(() => end({ lines: [], error: "The code did not run: its frame gave no answer." }), patience);
        const frame = frameFor({ code }, data => {
            const { lines, error } = (data ?? {}) as { lines?: unknown; error?: unknown };
            const texts = Array.isArray(lines) ? lines.filter((line): line is string => typeof line === "string") : [];
            end({ lines: texts, error: typeof error === "string" ? error : null });
        });
        frame.hidden = true;
        document.body.append(frame);
    });
}

/** The output of a run as one text. */
export function outputText({ lines, error }: RunOutput): string {
    return [...lines, ...(error === null ? [] : [`Error: ${error}`])].join("\n") || "No output";
}

/** Runs the code of a block, and shows its output below. */
export async function runBlock(figure: HTMLElement, code: string, button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    const output = figure.querySelector("output") ?? document.createElement("output");
    output.textContent = "Running …";
    figure.append(output);
    output.textContent = outputText(await runJavaScript(code));
    button.disabled = false;
}
