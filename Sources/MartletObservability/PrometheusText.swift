/// Writes metrics in Prometheus' text format, version 0.0.4.
package struct PrometheusText: ~Copyable {
    package enum Kind: String, Sendable {
        case counter
        case gauge
    }

    package private(set) var text = ""

    package init() {}

    /// A metric with one value.
    package mutating func add(_ name: String, _ kind: Kind, help: String, _ value: Double) {
        begin(name, kind.rawValue, help: help)
        sample(name, [], value)
    }

    /// A metric with one value for each set of labels; the label names of all of them should be the same.
    package mutating func add(
        _ name: String, _ kind: Kind, help: String, _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        begin(name, kind.rawValue, help: help)
        for (labels, value) in samples { sample(name, labels, value) }
    }

    /// A histogram for each set of labels.
    package mutating func add(
        _ name: String, help: String, _ histograms: [(labels: [(String, String)], value: Histogram)]
    ) {
        begin(name, "histogram", help: help)
        for (labels, histogram) in histograms {
            var count: UInt64 = 0
            for (bucket, bound) in (histogram.bounds + [.infinity]).enumerated() {
                count += histogram.counts[bucket]
                sample(name + "_bucket", labels + [("le", Self.number(bound))], Double(count))
            }
            sample(name + "_sum", labels, histogram.sum)
            sample(name + "_count", labels, Double(count))
        }
    }

    private mutating func begin(_ name: String, _ kind: String, help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quote: false))\n# TYPE \(name) \(kind)\n"
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels.map { "\($0)=\"\(Self.escaped($1, quote: true))\"" }.joined(separator: ",")
            text += "}"
        }
        text += " \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
