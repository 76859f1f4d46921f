import MartletText

/// The last output of a worker on its standard error outside its log: the message of a library that ends the process.
///
/// Example: `GGML_ASSERT(n_tokens > 0) failed`. The message becomes part of the error of the lost generations.
package struct CrashOutput: Sendable, Equatable {
    /// A failed assertion is one line, an uncaught C++ exception two. Later lines are a backtrace.
    private static let maximumLineCount = 2
    /// The most bytes of the message.
    private static let maximumLength = 600

    private var lines: [String] = []
    /// Whether the next line without a level begins a new message.
    private var isOpen = true

    package init() {}

    /// Consumes a line. A log record ends the message before it.
    package mutating func append(_ line: String) {
        guard !WorkerLogLine.hasLevel(line) else {
            isOpen = true
            return
        }
        if isOpen { lines.removeAll() }
        isOpen = false
        if lines.count < Self.maximumLineCount { lines.append(line) }
    }

    /// The message in one line, at most 600 bytes and a mark for the rest; `nil` if there is none.
    package var text: String? {
        let words = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
        return words.isEmpty ? nil : words.excerpt(bytes: Self.maximumLength)
    }
}
