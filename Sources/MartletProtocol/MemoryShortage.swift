/// The recognition of failures that a shortage of memory causes, by the words of the library that failed.
///
/// Example: `failed to allocate CPU buffer of size 4294967296` of ggml, `std::bad_alloc` of the C++ library.
package enum MemoryShortage {
    /// Words of libllama, ggml, their backends, the C++ library, Swift's runtime, and the system, in lower case.
    private static let words = [
        "out of memory", "bad_alloc", "failed to allocate", "unable to allocate", "cannot allocate memory",
        "could not allocate", "insufficient memory", "outofdevicememory", "outofhostmemory",
    ]

    /// Whether the text of an error says that memory was short.
    /// - Complexity: O(length of the text).
    package static func isNamed(in text: String) -> Bool {
        let text = text.lowercased()
        return words.contains { text.contains($0) }
    }
}
