/// The reason why a download failed, as one sentence.
///
/// Tokens and query strings never appear in it: addresses are those of `DownloadAddress.shownText`.
package struct DownloadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The consequence of an error.
    package enum Kind: Sendable, Equatable {
        /// Another attempt may succeed, not before `after`.
        case temporary(after: Duration?)
        /// The server's file is another one than before, so the part is of no use.
        case changed
        /// No attempt can succeed.
        case final
    }

    package let kind: Kind
    package let description: String

    /// Creates an error.
    package init(_ kind: Kind = .final, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// The error of a response's status; `nil` for 200 and 206.
    ///
    /// - Parameter retryAfter: the value of the header `Retry-After`.
    package static func status(_ code: Int, of address: String, retryAfter: String?) -> DownloadError? {
        let pause = retryAfter.flatMap { Int64($0) }.map { Duration.seconds(min(max(0, $0), 3_600)) }
        switch code {
        case 200, 206: return nil
        case 401, 403:
            return DownloadError("\(address): access is denied (\(code)); a private or gated repository needs HF_TOKEN")
        case 404, 410: return DownloadError("\(address) is not there (\(code))")
        case 412, 416: return DownloadError(.changed, "\(address) has changed (\(code))")
        case 408, 425, 429:
            return DownloadError(.temporary(after: pause), "\(address): the server asks to wait (\(code))")
        case 500...599: return DownloadError(.temporary(after: pause), "\(address): the server failed (\(code))")
        default: return DownloadError("\(address): unexpected status \(code)")
        }
    }

    /// Creates an error that no attempt can avoid.
    package init(_ description: String) { self.init(.final, description) }
}

/// The pauses between attempts. Pure.
package struct RetryPolicy: Sendable, Equatable {
    /// The largest number of attempts in a row that bring no byte.
    package var maximumAttempts = 8
    package var firstPause: Duration = .milliseconds(500)
    package var maximumPause: Duration = .seconds(30)

    /// Creates the default policy.
    package init() {}

    /// The pause after a failed attempt; `nil` = no further attempt.
    ///
    /// - Parameter failureCount: attempts in a row that brought no byte, this one included.
    package func pause(after error: DownloadError, failureCount: Int) -> Duration? {
        guard case .temporary(let stated) = error.kind, failureCount < maximumAttempts else { return nil }
        let doubled = min(firstPause * (1 << min(max(0, failureCount - 1), 20)), maximumPause)
        // The server's own figure counts, also if it is longer than the maximum.
        return max(stated ?? .zero, doubled)
    }
}
