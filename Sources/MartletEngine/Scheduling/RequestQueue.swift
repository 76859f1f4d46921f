import DequeModule

/// Generations that wait for a slot, first come, first served.
struct RequestQueue<Element> {
    private var waiting: Deque<(id: UInt64, element: Element)> = []

    init() {}

    var count: Int { waiting.count }

    /// - Parameter position: 0 = who came first.
    subscript(position: Int) -> Element { waiting[position].element }

    /// Adds one at the end.
    mutating func append(_ element: Element, id: UInt64) {
        waiting.append((id, element))
    }

    /// Puts one that was running before all others.
    mutating func prepend(_ element: Element, id: UInt64) {
        waiting.prepend((id, element))
    }

    mutating func remove(at position: Int) -> Element { waiting.remove(at: position).element }

    /// Takes out the one with that id, wherever it stands.
    mutating func remove(id: UInt64) -> Element? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: index).element
    }

    /// The one with that id, and how many are before it.
    func find(id: UInt64) -> (position: Int, element: Element)? {
        waiting.firstIndex { $0.id == id }.map { ($0, waiting[$0].element) }
    }

    mutating func removeAll() -> [Element] {
        defer { waiting.removeAll() }
        return waiting.map(\.element)
    }
}
