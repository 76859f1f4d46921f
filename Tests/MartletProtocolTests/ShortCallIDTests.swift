import MartletProtocol
import Testing

@Suite struct ShortCallIDTests {
    @Test func aShortIDIsItsOwnShortID() {
        for id in ["call00001", "aB3dE6gH9"] {
            #expect(ShortCallID.isShort(id) && ShortCallID.short(for: id) == id)
        }
        for id in ["", "call0001", "call000001", "call_0001", "call-0001", "cäll00001", "call 0001"] {
            let short = ShortCallID.short(for: id)
            #expect(!ShortCallID.isShort(id) && ShortCallID.isShort(short) && ShortCallID.short(for: id) == short)
        }
    }

    @Test func othersDiffer() {
        let ids = (0..<20_000).map { ShortCallID.short(for: "call_0123456789abcdef01234567\($0)") }
        #expect(Set(ids).count == ids.count)
    }
}
