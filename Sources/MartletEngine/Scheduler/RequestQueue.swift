import DequeModule

/// Elements that wait for a slot, in order of arrival.
struct RequestQueue<Element> {
    private var waiting: Deque<(id: UInt64, element: Element)> = []

    init() {}

    var count: Int { waiting.count }

    /// The element at a position; 0 = the oldest.
    subscript(position: Int) -> Element { waiting[position].element }

    /// Appends an element at the end.
    mutating func append(_ element: Element, id: UInt64) {
        waiting.append((id, element))
    }

    /// Inserts an element before all others: a sequence that has been running before.
    mutating func prepend(_ element: Element, id: UInt64) {
        waiting.prepend((id, element))
    }

    mutating func remove(at position: Int) -> Element { waiting.remove(at: position).element }

    /// Removes and returns the element with that id; `nil` if there is none.
    mutating func remove(id: UInt64) -> Element? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: index).element
    }

    /// The element with that id, and the number of elements before it.
    func find(id: UInt64) -> (position: Int, element: Element)? {
        waiting.firstIndex { $0.id == id }.map { ($0, waiting[$0].element) }
    }

    mutating func removeAll() -> [Element] {
        defer { waiting.removeAll() }
        return waiting.map(\.element)
    }
}
