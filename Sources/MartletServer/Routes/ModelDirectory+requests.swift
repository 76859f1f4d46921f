internal import Hummingbird
internal import MartletAPI
internal import MartletGenerations
internal import MartletProtocol
internal import MartletStreams
import MartletText

extension ModelDirectory {
    /// The model that a request names in its body or in its query (`?model=`).
    /// - Parameter name: the name in the body; it comes first.
    /// - Throws: `notFound` for an unknown name.
    func model(of request: Request, _ name: String? = nil) throws(GenerationError) -> ModelHandle {
        try model(named: name ?? request.uri.queryParameters["model"].map { String($0) })
    }

    /// The model of a server with one model; nil if there are several or none.
    var only: ModelHandle? {
        let all = all
        return all.count == 1 ? all[0] : nil
    }

    /// The states of the engines of all models that are ready, by name. No model is woken; an engine that does not answer is
    /// left out.
    var engineStatuses: [(model: String, status: EngineStatus)] {
        get async {
            let ready = all.filter { if case .ready = $0.readiness.state { true } else { false } }
            // All are asked at the same time, so that they delay each other as little as possible.
            var statuses: [(model: String, status: EngineStatus)] = []
            await withTaskGroup(of: (String, EngineStatus?).self) { group in
                for handle in ready { group.addTask { (handle.name, try? await handle.engine.status()) } }
                for await (model, status) in group { if let status { statuses.append((model, status)) } }
            }
            return statuses.sorted { $0.model < $1.model }
        }
    }
}

extension LeaseTerms {
    /// The wishes in a request's query: `?autoload=0` does not load the model.
    /// - Throws: `invalidRequest` for a value that is neither on nor off.
    init(_ request: Request) throws(APIError) {
        self.init()
        loadsModel = try request.autoload
    }
}

extension Request {
    /// Whether the request loads its model (`?autoload=`); nil = as the server is configured.
    var autoload: Bool? {
        get throws(APIError) {
            switch uri.queryParameters["autoload"].map({ String($0) }) {
            case nil: return nil
            case "1", "true": return true
            case "0", "false": return false
            case let value?:
                throw APIError(
                    .invalidRequest,
                    "Parameter 'autoload': Value must be 0 or 1, but got \"\(value.excerpt(bytes: 64))\"",
                    field: "autoload")
            }
        }
    }
}
