import MartletText

/// Checks for environment variables that look like settings but are not.
enum VariableNames {
    /// Log lines about variables with the prefix of a setting that no setting reads.
    /// - Parameter variables: The names of all variables that are set.
    static func notices(on variables: [String]) -> [String] {
        let ours = SettingTable.all.flatMap(\.environmentNames)
        let known = Set<String>(
            ours + SettingTable.all.flatMap(\.negativeVariables) + PeerFlags.all.flatMap(variables(of:)))
        return variables.sorted().compactMap { name in
            guard !known.contains(name) else { return nil }
            if name.hasPrefix("LLAMA_ARG_") {
                let nearest = nearest(to: name, "LLAMA_ARG_", ours)
                return "\(name) is not a setting" + (nearest.map { "; did you mean \($0)?" } ?? "")
            }
            // Only names that are close to a setting: a Kubernetes service named martlet sets half a dozen variables.
            guard name.hasPrefix("MARTLET_"), let nearest = nearest(to: name, "MARTLET_", ours) else { return nil }
            return "\(name) is not a setting; did you mean \(nearest)?"
        }
    }

    /// Whether a value is a service address such as `tcp://10.0.0.7:8080`, which Kubernetes and Docker set in
    /// `NAME_PORT` for a service NAME. A service named martlet would set `MARTLET_PORT`, which is also a setting.
    static func isServiceLink(_ text: String) -> Bool {
        guard let scheme = ["tcp://", "udp://", "sctp://"].first(where: text.hasPrefix) else { return false }
        let authority = text.dropFirst(scheme.count)
        guard let colon = authority.lastIndex(of: ":"), colon > authority.startIndex else { return false }
        return UInt16(authority[authority.index(after: colon)...]) != nil
    }

    /// All variables of a flag of llama-server.
    private static func variables(of flag: PeerFlag) -> [String] {
        flag.environmentNames + flag.environmentNames.compactMap(SettingName.negativeVariable)
    }

    /// The most similar name with the prefix. The prefix does not count for the similarity.
    private static func nearest(to name: String, _ prefix: String, _ candidates: [String]) -> String? {
        NearestWord.find(
            String(name.dropFirst(prefix.count)),
            among: candidates.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
        ).map { prefix + $0 }
    }
}
