/// How one request went.
struct RequestMeasurement: Sendable {
    /// When it was to be sent, in seconds since the run began.
    var start: Double
    var end: Double
    /// When each token came.
    var tokenTimes: [Double]
    /// As the server counts them, or those that were seen.
    var tokenCount: Int
    /// Why it counts as failed; `nil` = it did not.
    var failure: String?

    /// From the request to the first token.
    var firstTokenTime: Double? { tokenTimes.first.map { $0 - start } }
}
