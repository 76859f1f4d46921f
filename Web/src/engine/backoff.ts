/**
 * When a reader connects again. Pure: the caller has the clock and the random number.
 *
 * Example: attempts fail one after the other, so the delays are about 0.5, 1, 2, 4, 8, 8 … seconds. A received byte
 * ends the row, and the next loss begins with 0.5 seconds again. The page never stops trying.
 */
export class Backoff {
    static readonly first = 500;
    static readonly last = 8_000;
    private failures = 0;

    /** The failed attempts since the last success. */
    get attempts(): number {
        return this.failures;
    }

    /** Records a failure. Returns the delay to the next attempt in milliseconds; `random` is from 0 to 1. */
    failed(random: number): number {
        const base = Math.min(Backoff.last, Backoff.first * 2 ** Math.min(this.failures, 10));
        this.failures += 1;
        // A quarter of jitter on both sides, so that many pages do not return in one moment.
        return Math.round(base * (0.75 + random / 2));
    }

    succeeded(): void {
        this.failures = 0;
    }
}
