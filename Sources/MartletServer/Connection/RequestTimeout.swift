internal import MartletAPI
internal import MartletStreams

/// The error of a request whose body did not arrive in time.
struct RequestTimeout: Error {
    let limit: Duration

    /// The 408 that a client gets.
    var apiError: APIError {
        APIError(
            .timedOut,
            "The request must end within \(limit / .seconds(1)) seconds, but did not "
                + "(--request-timeout)")
    }
}
