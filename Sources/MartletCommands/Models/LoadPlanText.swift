import MartletJSON

/// The reply to `/models/plan` as a table for people.
///
/// Example:
///
///     needs         604 MiB; on device 1: 2.1 GiB
///     free          1.2 GiB; on device 1: 7.9 GiB
///     fits          yes, after unloading a, b
///     largest       40960 tokens of context
enum LoadPlanText {
    /// The columns of a reply. Members that a server lacks are left out.
    static func text(_ reply: JSONValue) -> String {
        var lines: [[String]] = []
        func add(_ label: String, _ value: String) { lines.append([label.padded(to: LoadReport.labelWidth), value]) }
        for name in ["needs", "free"] {
            if let amounts = reply[name]?.arrayValue { add(name, sizes(amounts)) }
        }
        let victims = (reply["would_unload"]?.arrayValue ?? []).compactMap { $0.stringValue?.printable }
        switch (reply["fits_now"]?.boolValue ?? false, reply["fits"]?.boolValue ?? false) {
        case (true, _) where victims.isEmpty: add("fits", "yes")
        case (true, _): add("fits", "yes, after unloading \(victims.joined(separator: ", "))")
        case (false, true): add("fits", "later: models that generate have no room to leave now")
        case (false, false): add("fits", "NO")
        }
        if let length = reply["largest_context_length"]?.integerValue {
            add("largest", length > 0 ? "\(length) tokens of context" : "no context would fit")
        }
        return TextTable.text(lines)
    }

    /// Host memory first, then each device that has a share.
    private static func sizes(_ amounts: [JSONValue]) -> String {
        amounts.enumerated().compactMap { index, amount in
            let bytes = amount.unsignedValue ?? 0
            if index == 0 { return DoctorFinding.size(bytes) }
            return bytes > 0 ? "on device \(index): \(DoctorFinding.size(bytes))" : nil
        }.joined(separator: "; ")
    }
}
