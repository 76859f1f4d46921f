internal import Synchronization

/// The texts of the prompts that a response contains.
///
/// A prompt of token ids gets its text from the engine. Only the last event of llama-server's stream contains it, so the
/// engine can begin the prompt before it has found the text: for 2,000 ids that saves half a millisecond, a sixth of
/// the time to the first token of a small model.
///
/// Written once, before the first byte of the response is encoded. Thread: any.
package final class PromptTexts: Sendable, ExpressibleByArrayLiteral {
    /// The number of prompts whose texts the response contains.
    package let count: Int
    private let texts: Mutex<[String]>

    /// - Parameter texts: one per prompt; empty = the response contains none.
    package init(_ texts: [String]) {
        count = texts.count
        self.texts = Mutex(texts)
    }

    /// Texts that `set` provides later, one per prompt.
    package init(count: Int) {
        self.count = count
        texts = Mutex([])
    }

    package convenience init(arrayLiteral texts: String...) { self.init(texts) }

    /// The texts, one per prompt; empty before `set`.
    package var values: [String] { texts.withLock { $0 } }

    /// Sets the texts.
    ///
    /// - Precondition: there are `count` of them.
    package func set(_ values: [String]) {
        precondition(values.count == count, "\(values.count) texts for \(count) prompts")
        texts.withLock { $0 = values }
    }
}
