/// Environment variables that look like settings and are none.
enum VariableNames {
    /// Lines about variables that nothing reads though they are named as settings are.
    /// - Parameter variables: The names of all that are set.
    static func notices(on variables: [String]) -> [String] {
        let ours = SettingTable.all.flatMap(\.environmentNames)
        let known = Set(ours + SettingTable.all.flatMap(\.negativeVariables) + PeerFlags.all.flatMap(variables(of:)))
        return variables.sorted().compactMap { name in
            guard !known.contains(name) else { return nil }
            if name.hasPrefix("LLAMA_ARG_") {
                let nearest = nearest(to: name, "LLAMA_ARG_", ours)
                return "\(name) is no setting" + (nearest.map { "; did you mean \($0)?" } ?? "")
            }
            // Only what is likely meant for us: a Kubernetes service named martlet makes half a dozen variables.
            guard name.hasPrefix("MARTLET_"), let nearest = nearest(to: name, "MARTLET_", ours) else { return nil }
            return "\(name) is no setting; did you mean \(nearest)?"
        }
    }

    /// Whether a value is such as Kubernetes and Docker give to `NAME_PORT` for a service called NAME:
    /// `tcp://10.0.0.7:8080`.
    static func isServiceLink(_ text: String) -> Bool {
        guard let scheme = ["tcp://", "udp://", "sctp://"].first(where: text.hasPrefix) else { return false }
        let authority = text.dropFirst(scheme.count)
        guard let colon = authority.lastIndex(of: ":"), colon > authority.startIndex else { return false }
        return UInt16(authority[authority.index(after: colon)...]) != nil
    }

    private static func variables(of flag: PeerFlag) -> [String] {
        flag.environmentNames + flag.environmentNames.compactMap(SettingName.negativeVariable)
    }

    private static func nearest(to name: String, _ prefix: String, _ candidates: [String]) -> String? {
        EditDistance.nearest(
            to: String(name.dropFirst(prefix.count)),
            among: candidates.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
        ).map { prefix + $0 }
    }
}
