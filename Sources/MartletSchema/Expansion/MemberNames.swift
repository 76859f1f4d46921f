import MartletText

/// Names of members that a schema does not list.
enum MemberNames: Hashable {
    /// All but these, which are UTF-8, ascending, each once.
    case others(than: [[UInt8]])
    case texts(ScalarAutomaton)

    static let all = MemberNames.others(than: [])

    /// All but `names`.
    init(otherThan names: Set<ExactString>) {
        self = .others(than: names.map { Array($0.text.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
    }

    /// The same names as an automaton. Few objects need it.
    var automaton: ScalarAutomaton {
        switch self {
        case .others(let names): ScalarAutomaton(texts: names.map { String(decoding: $0, as: UTF8.self) }).complement
        case .texts(let automaton): automaton
        }
    }
}
