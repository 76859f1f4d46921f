import Testing

@testable import MartletEngine

@Suite struct PromptItemTests {
    private let image = MediaItem(digest: [1, 2], tokenCount: 3, positionCount: 2)
    private let other = MediaItem(digest: [1, 3], tokenCount: 5, positionCount: 5)

    @Test func equalMediaHaveEqualCodesAndOtherMediaOthers() throws {
        var table = MediaTable()
        var (first, second): ([Int32], [Int32]) = ([], [])
        for item in [PromptItem.token(7), .media(image), .token(8), .media(other)] {
            #expect(table.append(item, to: &first))
        }
        for item in [PromptItem.token(7), .media(image), .token(8), .media(image)] {
            #expect(table.append(item, to: &second))
        }
        #expect(first.count == 10 && second.count == 8)
        #expect(PrefixTree.commonPrefix(first[...], second[...]) == 5)
        for (index, expected) in [(0, PromptItem.token(7)), (1, .media(image)), (3, .media(image)), (9, .media(other))]
        {
            #expect(try #require(table.item(of: first[index])).item == expected)
        }
        #expect(try #require(table.item(of: first[9])).offset == 4)
        #expect(table.item(of: -9) == nil)
    }

    /// A prefix does not end within a media item.
    @Test func aPrefixEndsBetweenItems() {
        var table = MediaTable()
        var history: [Int32] = []
        for item in [PromptItem.token(7), .media(image), .token(8)] { _ = table.append(item, to: &history) }
        #expect((0...5).map { table.wholeCount($0, of: history) } == [0, 1, 1, 1, 4, 5])
    }
}
