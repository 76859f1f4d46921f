import MartletObservability
import Testing

struct TimestampTests {
    @Test func timesAreISO8601InUTC() {
        #expect(Timestamp.text(seconds: 0, milliseconds: 7) == "1970-01-01T00:00:00.007Z")
        #expect(Timestamp.text(seconds: 1_768_473_001, milliseconds: 120) == "2026-01-15T10:30:01.120Z")
    }
}
