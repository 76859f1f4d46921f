/** Small texts that a browser keeps for the page; a browser that forbids that keeps nothing, and the page works all the same. */

function storage(isSession: boolean): Storage | null {
    try {
        return isSession ? sessionStorage : localStorage;
    } catch {
        return null;
    }
}

export function recall(name: string, isSession = false): string | null {
    try {
        return storage(isSession)?.getItem(name) ?? null;
    } catch {
        return null;
    }
}

/** null forgets the text. */
export function remember(name: string, text: string | null, isSession = false): void {
    try {
        if (text === null) storage(isSession)?.removeItem(name);
        else storage(isSession)?.setItem(name, text);
    } catch {
        // A full or forbidden storage loses a convenience, not a chat.
    }
}
