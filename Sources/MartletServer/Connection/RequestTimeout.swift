internal import MartletAPI

/// A request's body did not come to its end in time.
struct RequestTimeout: Error {
    let limit: Duration

    var apiError: APIError {
        APIError(
            .timeout,
            "The request did not end within \(limit / .seconds(1)) seconds, which is this server's limit "
                + "(--request-timeout)")
    }
}
