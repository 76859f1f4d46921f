import Foundation

/// The state folder of servers; removed at the end of the test.
final class StateFolder: Sendable {
    let path = NSTemporaryDirectory() + "/martlet-recovery-" + UUID().uuidString
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/streams")) ?? [] }
    var responses: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/responses")) ?? [] }
    func removeResponses() { try? FileManager.default.removeItem(atPath: path + "/responses") }
    var aside: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path + "/aside")) ?? [] }
}
