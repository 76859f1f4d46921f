/// A writer of metrics in Prometheus' text format, version 0.0.4.
///
/// Each metric is added once, with all of its samples: the format wants them together. Not copyable, because the text
/// may be large.
package struct PrometheusText: ~Copyable {
    /// The type of a metric with single values.
    package enum Kind: String, Sendable {
        /// A number that only rises while the server runs.
        case counter
        /// A number that rises and falls.
        case gauge
    }

    /// The text of all metrics so far.
    package private(set) var text = ""

    package init() {}

    /// Adds a metric with one value.
    package mutating func add(_ name: String, _ kind: Kind, help: String, _ value: Double) {
        begin(name, kind.rawValue, help: help)
        sample(name, [], value)
    }

    /// Adds a metric with one value for each set of labels. All sets should have the same label names.
    package mutating func add(
        _ name: String, _ kind: Kind, help: String, _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        begin(name, kind.rawValue, help: help)
        for (labels, value) in samples { sample(name, labels, value) }
    }

    /// Adds a histogram for each set of labels.
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

    /// A number in Prometheus' form: whole numbers without a point, and names for infinities.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    /// Text with escaped backslashes and line ends.
    /// - Parameter quote: whether quotation marks are escaped, too, as label values need it.
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
