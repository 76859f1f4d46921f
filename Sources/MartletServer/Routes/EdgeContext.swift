internal import Hummingbird
internal import Logging
internal import NIOCore

/// What a route knows of the connection that its request came by.
struct EdgeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Names the request in its response and in log lines. Not the framework's `id`: that one is read out of the
    /// logger's metadata and traps when the log handler keeps none.
    let requestID: String
    let requestInfo = RequestInfo()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        requestID = String(UInt64.random(in: 0 ... .max), radix: 16)
        logger[metadataKey: "request"] = "\(requestID)"
    }
}
