/** The few parts of Node that the tests use; Debian has no types for Node with this compiler. */
declare module "node:test" {
    export function test(name: string, run: () => void | Promise<void>): void;
}
declare module "node:assert/strict" {
    interface Assert {
        (value: unknown, message?: string): asserts value;
        equal(actual: unknown, expected: unknown, message?: string): void;
        deepEqual(actual: unknown, expected: unknown, message?: string): void;
        throws(run: () => unknown, expected?: RegExp): void;
        fail(message: string): never;
    }
    const assert: Assert;
    export default assert;
}
declare function setImmediate(run: () => void): void;
