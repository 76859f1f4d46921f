import MartletAPI
import MartletJSON
import MartletProtocol
import Testing

struct StatusBodyTests {
    /// Clients compare these words; the names of the cases may change.
    @Test(arguments: zip(GenerationReport.Phase.allCases, ["queued", "prompt", "reasoning", "answering"]))
    func phaseHasAFixedName(phase: GenerationReport.Phase, name: String) {
        var report = GenerationReport()
        report.phase = phase
        #expect(ControlBodies.status(report)["phase"]?.stringValue == name)
    }
}
