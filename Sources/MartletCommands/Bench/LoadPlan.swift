import MartletPlatform

/// The requests that a run sends to a server, and their times.
struct LoadPlan: Sendable, Equatable {
    /// The rule for the times.
    enum Arrival: Sendable, Equatable {
        /// A constant number of streams: a new request begins whenever one has ended.
        case closed(streams: Int)
        /// A mean number of requests per second, whether or not earlier requests have ended.
        case open(rate: Double)

        /// The name in tables, e.g. `16 streams`.
        var name: String {
            switch self {
            case .closed(let streams): streams == 1 ? "1 stream" : "\(streams) streams"
            case .open(let rate): "\(NumberFormat.short(rate)) requests/s"
            }
        }
    }

    /// The rule for the times of requests.
    var arrival: Arrival
    /// The number of requests of a run, of all streams together.
    var requestCount: Int
    /// The path of the request, e.g. `/v1/completions`.
    var route: String
    /// The body of request `number`. Different numbers give different prompts, so that no server can reuse a prefix.
    var body: @Sendable (_ number: Int) -> [UInt8]
    /// Additional headers, e.g. the API key.
    var headers: [(String, String)]
    /// The time after which a request counts as failed.
    var timeout: Duration

    /// Compares everything except bodies, headers and time limit. Tests use it.
    static func == (one: LoadPlan, other: LoadPlan) -> Bool {
        one.arrival == other.arrival && one.requestCount == other.requestCount && one.route == other.route
    }

    /// The times at which the requests of an open loop arrive, in seconds since the run began.
    ///
    /// The gaps have an exponential distribution, as those of independent clients do. The generator has a fixed seed,
    /// so all servers get the same gaps. The first request arrives at 0.
    static func arrivalTimes(rate: Double, count: Int) -> [Double] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var time = 0.0
        return (0..<count).map { index in
            if index > 0 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // 53 bits plus one: the number is within (0, 1], and its logarithm is finite.
                let uniform = (Double(state >> 11) + 1) / Double(1 << 53)
                time -= log(uniform) / rate
            }
            return time
        }
    }
}
