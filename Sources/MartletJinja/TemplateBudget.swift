/// What one rendering of a template may use.
///
/// A template comes with a model file, so it is not trusted with the server's time and memory.
package struct TemplateBudget: Sendable {
    /// Evaluated nodes and walked items; a step takes about 0.1 µs.
    package var steps = 5_000_000
    /// Nested evaluations; a macro's call counts as four. 128 fit a thread with 512 KiB of stack even in a
    /// debug build.
    package var depth = 128
    /// Bytes of all values that are made on the way, also of those soon dropped.
    package var memoryBytes = 256 << 20
    /// Bytes of the result.
    package var outputBytes = 32 << 20

    package init() {}
}
