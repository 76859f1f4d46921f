import Testing

@testable import MartletJinja

@Suite struct TemplateTimeTests {
    @Test func parsesOneFormatOnly() {
        #expect(
            TemplateTime("2026-01-15T10:30:05")
                == TemplateTime(year: 2026, month: 1, day: 15, hour: 10, minute: 30, second: 5))
        for text in [
            "", "2026-01-15", "2026-01-15 10:30:05", "2026-13-01T00:00:00", "2026-02-29T00:00:00",
            "2026-01-15T24:00:00",
            "2026-01-15T10:30:0x", "2026-01-15T10:30:05Z",
        ] {
            #expect(TemplateTime(text) == nil, "\(text)")
        }
        #expect(TemplateTime("2024-02-29T00:00:00") != nil)
    }

    /// Against Python's `strftime`.
    @Test func formatsAsPython() throws {
        let time = try #require(TemplateTime("2026-01-15T10:30:00"))
        #expect(time.formatted("%d %b %Y, %A %j %U %W %w %u %I%p %-m") == "15 Jan 2026, Thursday 015 02 02 4 4 10AM 1")
        let leap = try #require(TemplateTime("2024-12-31T23:05:09"))
        #expect(
            leap.formatted("%a %B %e %y %H:%M:%S %j %I%p %-I %F %T %D %%")
                == "Tue December 31 24 23:05:09 366 11PM 11 2024-12-31 23:05:09 12/31/24 %")
        #expect(time.formatted("%q%") == "%q%")
    }

    @Test func nowIsADate() {
        let now = TemplateTime.now
        #expect(now.year >= 2025)
        #expect((1...12).contains(now.month) && (1...31).contains(now.day))
    }
}
