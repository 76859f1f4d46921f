/// The output of a worker on its standard error beside its log: the words of a library that ends the process, such as
/// an assertion that failed.
package struct CrashOutput: Sendable, Equatable {
    /// A failed assertion is one line, an uncaught C++ exception two. Later lines are a backtrace.
    private static let maximumLineCount = 2
    private static let maximumLength = 600

    private var lines: [String] = []
    private var isOpen = true

    package init() {}

    /// Takes the next line, in whatever form.
    package mutating func append(_ line: String) {
        guard !WorkerLogLine.hasLevel(line) else {
            isOpen = true
            return
        }
        if isOpen { lines.removeAll() }
        isOpen = false
        if lines.count < Self.maximumLineCount { lines.append(line) }
    }

    /// `nil` if there are none.
    package var text: String? {
        let words = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
        return words.isEmpty ? nil : String(words.prefix(Self.maximumLength))
    }
}
