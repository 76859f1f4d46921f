/// The limits of one rendering.
///
/// A template comes with a model file, so it is not trusted with the server's time and memory. Typical templates use
/// some 10,000 steps for a conversation of 20 messages. An exhausted budget is a `TemplateError` of kind `budget`.
package struct TemplateBudget: Sendable {
    /// Evaluated nodes and visited items. A step takes about 0.1 µs, so the default is about half a second.
    package var steps = 5_000_000
    /// Nested evaluations; a macro call counts as four. 128 fit a thread with 512 KiB of stack, even in a debug build.
    package var depth = 128
    /// Bytes of all values that are made, including those that are freed soon after.
    package var memoryBytes = 256 << 20
    /// Bytes of the result, and of captured texts that are not complete yet.
    package var outputBytes = 32 << 20

    /// The default limits.
    package init() {}
}
