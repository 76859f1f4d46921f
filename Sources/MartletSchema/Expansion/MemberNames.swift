import MartletText

/// Names of members that a schema does not list.
enum MemberNames: Hashable {
    /// All names except these: UTF-8, ascending, without repetition. The common case, kept apart from automata for
    /// speed.
    case others(than: [[UInt8]])
    case texts(ScalarAutomaton)

    static let all = MemberNames.others(than: [])

    /// All names except `names`.
    init(otherThan names: Set<ExactString>) {
        self = .others(than: names.map { Array($0.text.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
    }

    /// The same names as an automaton; only objects with patterns or several groups of names need it.
    var automaton: ScalarAutomaton {
        switch self {
        case .others(let names): ScalarAutomaton(texts: names.map { String(decoding: $0, as: UTF8.self) }).complement
        case .texts(let automaton): automaton
        }
    }
}
