/** Copies text; also on plain HTTP, where the clipboard's interface does not exist. */
export async function copyText(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        const area = document.createElement("textarea");
        area.value = text;
        area.className = "visually-hidden";
        const focused = document.activeElement;
        (document.querySelector("dialog[open]") ?? document.body).append(area);
        area.select();
        const isDone = document.execCommand("copy");
        area.remove();
        if (focused instanceof HTMLElement) focused.focus();
        return isDone;
    }
}
