/// An error of libllama, or of a check before a call.
package struct LlamaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure.
    package enum Code: Sendable {
        case notAModel
        case loadFailed
        case loadCancelled
        case outOfMemory
        case tokenizeFailed
        case stateFailed
    }
    package let code: Code
    /// One sentence that names the rule and the value.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
