internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletJSON
internal import MartletProtocol
internal import MartletStreams
import MartletText

/// The route that saves, restores and erases the cached prompt of a slot. Names and shapes are llama-server's.
///
/// A file belongs to the cache scope of the key that saved it: each scope has a folder of its own, and the engine refuses
/// a file of another scope.
struct SlotRoutes: Sendable {
    let configuration: ServerConfiguration
    let models: any ModelDirectory

    func add(to table: inout RouteTable) {
        table.add(.post, "/slots/{id}") { request, context in try await perform(request, context) }
    }

    private func perform(_ request: Request, _ context: EdgeContext) async throws -> Response {
        guard let folder = configuration.slotSavePath else {
            throw APIError(
                .notSupported, "This server does not support slots actions. Start it with `--slot-save-path`")
        }
        let handle = try models.model(of: request)
        let model = try handle.readyModel()
        let slot = try slot(context, count: model.information.sequenceCount)
        let scope = configuration.cacheScope.tenant(of: context.requestInfo.owner).cacheScope
        switch request.uri.queryParameters["action"].map({ String($0) }) {
        case "save"?:
            let name = try await fileName(request)
            let result = try await perform(.save(path: path(name, in: folder, scope)), slot, scope, handle)
            return .json(SlotBodies.saved(result, slot: slot, fileName: name.description))
        case "restore"?:
            let name = try await fileName(request)
            let result = try await perform(.restore(path: path(name, in: folder, scope)), slot, scope, handle)
            return .json(SlotBodies.restored(result, slot: slot, fileName: name.description))
        case "erase"?:
            return .json(SlotBodies.erased(try await perform(.erase, slot, scope, handle), slot: slot))
        case let other:
            let got = other.map { "\"\($0.excerpt(bytes: 64))\"" } ?? "nothing"
            throw APIError(
                .invalidRequest, "Parameter 'action': Value must be save, restore or erase, but got \(got)",
                field: "action")
        }
    }

    private func perform(
        _ kind: SlotAction.Kind, _ slot: Int, _ scope: UInt64, _ handle: ModelHandle
    ) async throws(APIError) -> SlotActionResult {
        do throws(EngineError) {
            return try await handle.engine.perform(SlotAction(kind, slot: slot, cacheScope: scope))
        } catch {
            throw APIError(error)
        }
    }

    /// The path of a file. Two keys may use one name for different files.
    private func path(_ name: SlotFileName, in folder: String, _ scope: UInt64) -> String {
        guard scope != 0 else { return "\(folder)/\(name)" }
        let digits = String(scope, radix: 16)
        return "\(folder)/scope-\(String(repeating: "0", count: 16 - digits.count))\(digits)/\(name)"
    }

    private func slot(_ context: EdgeContext, count: Int) throws(APIError) -> Int {
        let text = context.parameters.get("id") ?? ""
        guard let slot = Int(text), (0..<count).contains(slot) else {
            throw APIError(
                .invalidRequest,
                "The number of the slot in the path must be 0 to \(count - 1), but got \"\(text.excerpt(bytes: 64))\"",
                field: "id_slot")
        }
        return slot
    }

    private func fileName(_ request: Request) async throws -> SlotFileName {
        let fields = try FieldReader(try await request.json(upTo: configuration.limits.textBodyBytes))
        guard let name = try fields.string("filename") else {
            throw APIError.field("filename", "A name is required, but got nothing")
        }
        do throws(SlotFileNameError) {
            return try SlotFileName(name)
        } catch {
            throw APIError.field("filename", "The name \(error)")
        }
    }
}
