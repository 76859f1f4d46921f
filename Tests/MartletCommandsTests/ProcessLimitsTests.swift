import Testing
import UnixSignals

@testable import MartletCommands

@Suite struct ProcessLimitsTests {
    @Test(
        arguments: [
            (1_024, nil, nil), (64, 1 << 30, nil),
            (
                26, nil,
                "this process may have 26 files and connections open, and a server needs 64; raise the limit with 'ulimit -n 1024'"
            ),
            (
                63, nil,
                "this process may have 63 files and connections open, and a server needs 64; raise the limit with 'ulimit -n 1024'"
            ),
            (
                1_024, 300 << 20,
                "this process may use 300 MiB of address space, and a server needs 1024; raise the limit with 'ulimit -v unlimited'"
            ),
        ] as [(Int, UInt64?, String?)])
    func violatedLimitsAreReportedInOneLine(descriptorCount: Int, byteCount: UInt64?, violation: String?) {
        #expect(ProcessLimits(descriptorCount: descriptorCount, byteCount: byteCount).violation == violation)
    }

    @Test func thisProcessHasEnough() {
        #expect(ProcessLimits.current.violation == nil)
    }

    @Test(arguments: [
        (false, false, [UnixSignal.sigterm, .sigint, .sigquit, .sighup]), (true, false, [.sigterm, .sigint, .sigquit]),
        (false, true, [.sigterm, .sigint, .sigquit]), (true, true, [.sigterm, .sigint, .sigquit]),
    ])
    func hangupEndsAServerThatHasNothingToReloadAndATerminal(
        reloads: Bool, ignores: Bool, signals: [UnixSignal]
    ) {
        #expect(EndSignals.all(reloadsOnHangup: reloads, ignoresHangup: ignores) == signals)
    }
}
