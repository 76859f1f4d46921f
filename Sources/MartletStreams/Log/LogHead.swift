/// The identity of a generation, as every reader sees it.
package struct LogHead: Sendable, Equatable {
    /// 128 random bits as 32 lower-case hexadecimal digits, so that a client cannot guess the id of another generation.
    /// Wire formats put their prefix before it (`chatcmpl-`, `cmpl-`).
    package let id: String
    /// The time of creation in seconds since 1970.
    package let created: Int64
    /// The server's name for its model.
    package let model: String

    /// - Parameters:
    ///   - id: 32 hexadecimal digits.
    ///   - created: seconds since 1970.
    ///   - model: the server's name for its model.
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
