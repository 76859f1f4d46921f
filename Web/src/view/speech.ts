/** Reading an answer aloud with the voices of the browser, which exist on plain http, too. */

let ended: (() => void) | null = null;

/** Whether the browser has a voice. */
export function canSpeak(): boolean {
    return "speechSynthesis" in window;
}

/**
 * Reads a rendered answer aloud, and ends what was read before. Code, tables and formulas are left out.
 *
 * - `onEnd`: the text is over, or something else is read.
 */
export function speak(root: HTMLElement, onEnd: () => void): void {
    stopSpeaking();
    const copy = root.cloneNode(true) as HTMLElement;
    for (const part of copy.querySelectorAll("figure, table, .table, .katex, .katex-display, pre")) part.remove();
    const language = document.documentElement.lang;
    // Browsers end long texts in the middle, so each paragraph is an utterance of its own.
    const texts = [...copy.querySelectorAll("p, li, h1, h2, h3, h4, h5, h6")]
        .filter(block => !block.querySelector("p, li"))
        .map(block => block.textContent?.trim() ?? "")
        .filter(text => text !== "");
    if (texts.length === 0 && copy.textContent?.trim()) texts.push(copy.textContent.trim());
    ended = onEnd;
    texts.forEach((text, index) => {
        const utterance = new SpeechSynthesisUtterance(text);
        if (language) utterance.lang = language;
        if (index === texts.length - 1) utterance.onend = () => ended === onEnd && stopSpeaking();
        speechSynthesis.speak(utterance);
    });
    if (texts.length === 0) stopSpeaking();
}

/** Ends the reading. */
export function stopSpeaking(): void {
    const end = ended;
    ended = null;
    speechSynthesis.cancel();
    end?.();
}
