import MartletPlatform

/// What is sent to a server, and when.
struct LoadPlan: Sendable, Equatable {
    enum Arrival: Sendable, Equatable {
        /// So many streams, each of which begins anew when it has ended.
        case closed(streams: Int)
        /// So many requests in a second, whether or not earlier ones have ended.
        case open(rate: Double)

        var name: String {
            switch self {
            case .closed(let streams): streams == 1 ? "1 stream" : "\(streams) streams"
            case .open(let rate): "\(NumberFormat.short(rate)) requests/s"
            }
        }
    }

    var arrival: Arrival
    var requestCount: Int
    var route: String
    /// The body of request `number`, so that no two are the same prompt.
    var body: @Sendable (_ number: Int) -> [UInt8]
    var headers: [(String, String)]
    /// Given to a request that has not ended after this long.
    var timeout: Duration

    static func == (one: LoadPlan, other: LoadPlan) -> Bool {
        one.arrival == other.arrival && one.requestCount == other.requestCount && one.route == other.route
    }

    /// When the requests of an open loop arrive, in seconds: the gaps are those of independent clients, and the same
    /// each time.
    static func arrivalTimes(rate: Double, count: Int) -> [Double] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var time = 0.0
        return (0..<count).map { index in
            if index > 0 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // 53 bits, of which none is zero: within (0, 1].
                let uniform = (Double(state >> 11) + 1) / Double(1 << 53)
                time -= log(uniform) / rate
            }
            return time
        }
    }
}
