/// The content codings that a client accepts, as `Accept-Encoding` names them (RFC 9110, section 12.5.3).
struct AcceptedCodings {
    /// Weights by name, in lower case.
    private var weights: [String: Double] = [:]
    private let isAbsent: Bool

    /// - Parameter field: the value of the header; nil without the header.
    init(_ field: String?) {
        isAbsent = field == nil
        for item in (field ?? "").split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.trimmed }
            guard let name = parts.first, !name.isEmpty else { continue }
            let quality = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
            weights[name.lowercased()] = quality.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
        }
    }

    /// The first of `codings` that the client accepts with its highest weight; `identity` if it accepts none of them.
    /// - Parameter codings: the stored forms, the preferred one first.
    func choose(from codings: [PagePack.Coding]) -> PagePack.Coding {
        var best: (coding: PagePack.Coding, weight: Double) = (.identity, 0)
        for coding in codings {
            let weight = weight(of: coding)
            if weight > best.weight { best = (coding, weight) }
        }
        return best.coding
    }

    private func weight(of coding: PagePack.Coding) -> Double {
        if isAbsent { return coding == .identity ? 1 : 0 }
        // Identity is acceptable unless it is excluded, but a named coding comes first.
        let standard = coding == .identity ? weights["*"] ?? 0.0001 : weights["*"] ?? 0
        return weights[coding.rawValue] ?? standard
    }
}

extension Substring {
    /// The text without blanks and tabs at both ends.
    fileprivate var trimmed: Substring {
        var rest = self.drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}
