/**
 * What the engine needs of the world, so that tests in Node run the real engine with a manual clock.
 */

/** Time and timers. */
export interface Clock {
    /** Milliseconds since 1970. */
    now(): number;
    /** Calls `run` once after `delay` milliseconds, unless the returned function is called before. */
    after(delay: number, run: () => void): () => void;
}

/** Messages between the tabs of one browser. A tab does not receive its own messages. */
export interface TabChannel {
    post(message: unknown): void;
    onMessage(receive: (message: unknown) => void): void;
    close(): void;
}

/** A place for short texts: session storage, local storage, or memory where the browser forbids both. */
export interface TextStorage {
    read(name: string): string | null;
    write(name: string, value: string | null): void;
}

/** Everything outside of the engine. */
export interface Environment {
    readonly clock: Clock;
    readonly fetch: (path: string, options?: RequestInit) => Promise<Response>;
    readonly channel: TabChannel;
    /** Ends with the tab. */
    readonly session: TextStorage;
    /** Shared by the tabs of the browser. */
    readonly local: TextStorage;
    /** `count` random bytes. */
    readonly random: (count: number) => Uint8Array;
    /** Runs `work` after the current turn of the event loop. */
    readonly later: (work: () => void) => void;
}

const letters = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * A new id: 9 letters of time, then 10 random letters (51 bits). Ids of one browser sort by time.
 *
 * `crypto.randomUUID` does not exist on plain http.
 */
export function newID(environment: Pick<Environment, "clock" | "random">): string {
    const time = environment.clock.now().toString(36).padStart(9, "0");
    let suffix = "";
    for (const byte of environment.random(10)) suffix += letters[byte % 36];
    return time + suffix;
}
