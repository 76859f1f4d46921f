/// What is fixed about a generation when it is admitted: its identity, as every reader sees it at any time.
package struct LogHead: Sendable, Equatable {
    /// 128 random bits as 32 lower-case hexadecimal digits: nobody can guess another one's. Wire formats put their
    /// prefix before it (`chatcmpl-`, `cmpl-`).
    package let id: String
    /// Seconds since 1970.
    package let created: Int64
    /// The name that the server gives its model.
    package let model: String

    package init(id: String = LogHead.makeID(), created: Int64, model: String) {
        self.id = id
        self.created = created
        self.model = model
    }

    /// A fresh id from the system's random source.
    package static func makeID() -> String {
        let digits = Array("0123456789abcdef".utf8)
        var random = SystemRandomNumberGenerator()
        var text: [UInt8] = []
        text.reserveCapacity(32)
        for _ in 0..<2 {
            var bits = random.next()
            for _ in 0..<16 {
                text.append(digits[Int(bits >> 60)])
                bits <<= 4
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
