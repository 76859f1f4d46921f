import MartletText
import Testing

@Suite struct EditDistanceTests {
    @Test func theNearestWordIsFound() {
        let words = ["--port", "--host", "--ctx-size"]
        #expect(EditDistance.nearest(to: "--prot", among: words) == "--port")
        #expect(EditDistance.nearest(to: "--ctx-siez", among: words) == "--ctx-size")
        #expect(EditDistance.nearest(to: "--temperature", among: words) == nil)
    }

    /// One character of many bytes would cost as much as a word of many characters.
    @Test func aLongWordIsNotCompared() {
        let long = "a" + String(repeating: "\u{301}", count: 40)
        #expect(long.count == 1)
        #expect(EditDistance.nearest(to: long, among: [long]) == nil)
        let longest = String(repeating: "a", count: EditDistance.longestWord)
        #expect(EditDistance.nearest(to: longest, among: [longest]) == longest)
        #expect(EditDistance.nearest(to: longest + "a", among: [longest]) == nil)
    }
}
