/// The measurement of one request. Times are in seconds since the run began.
struct RequestMeasurement: Sendable {
    /// The planned time of sending.
    var start: Double
    /// The end of the response, or the time of the failure.
    var end: Double
    /// The arrival of each token.
    var tokenTimes: [Double]
    /// The number of tokens that the server reports, else the number of events with text.
    var tokenCount: Int
    /// The reason for which the request counts as failed; `nil` = it succeeded.
    var failure: String?

    /// From the request to the first token.
    var firstTokenTime: Double? { tokenTimes.first.map { $0 - start } }
}
