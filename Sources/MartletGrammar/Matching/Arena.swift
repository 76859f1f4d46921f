/// A growing buffer without the bounds checks, reference counts and copies of an array.
///
/// Matching appends millions of items; debug builds still assert each index.
struct Arena<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 16) {
        self.capacity = max(1, capacity)
        base = .allocate(capacity: self.capacity)
    }

    init(repeating value: Element, count: Int) {
        self.init(capacity: count)
        append(value, times: count)
    }

    deinit { base.deallocate() }

    /// The bytes of memory that it uses.
    var byteCount: Int { capacity * MemoryLayout<Element>.stride }

    subscript(index: Int) -> Element {
        @inline(__always) get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        @inline(__always) nonmutating set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        base[count] = element
        count += 1
    }

    mutating func append(_ element: Element, times: Int) {
        if count + times > capacity { grow(to: count + times) }
        (base + count).update(repeating: element, count: times)
        count += times
    }

    /// - Parameter elements: memory outside of this arena.
    mutating func append(_ elements: UnsafeBufferPointer<Element>) {
        guard let source = elements.baseAddress else { return }
        if count + elements.count > capacity { grow(to: count + elements.count) }
        (base + count).update(from: source, count: elements.count)
        count += elements.count
    }

    /// Removes and returns the last element.
    ///
    /// - Precondition: the arena is not empty.
    mutating func removeLast() -> Element {
        count -= 1
        return base[count]
    }

    /// Removes the elements from `newCount` on; the memory stays.
    mutating func truncate(to newCount: Int) { count = newCount }

    /// The elements. Valid until the arena changes.
    var elements: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: base, count: count) }

    /// Moves the elements to a buffer of at least twice the capacity; pointers to elements become invalid.
    private mutating func grow(to needed: Int) {
        capacity = max(needed, 2 * capacity)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }
}
