internal import Hummingbird
internal import Logging
internal import NIOCore

/// The context of a request: its connection, its id and the facts that it collects.
struct EdgeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// The id of the request in its response and in log lines. The framework's `id` is not used: it is read from the
    /// logger's metadata and traps if the log handler has none.
    let requestID: String
    let requestInfo = RequestInfo()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        requestID = String(UInt64.random(in: 0 ... .max), radix: 16)
        logger[metadataKey: "request"] = "\(requestID)"
    }
}
