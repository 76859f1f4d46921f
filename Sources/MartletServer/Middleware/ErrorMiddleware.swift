internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MartletAPI
internal import MartletGenerations
internal import MartletProtocol
internal import MartletStreams
import MartletText
internal import NIOCore
internal import NIOHTTP1

/// Turns every error of a route into a response with the common error body.
struct ErrorMiddleware: RouterMiddleware {
    let routes: RouteTable
    let bodyLimit: Int

    func handle(
        _ request: Request, context: EdgeContext, next: @concurrent (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        let form = Dialect.errors(at: RequestPath(request.uri.path).text)
        func report(_ error: APIError) -> Response { .error(error, in: form) }
        do {
            return try await next(request, context)
        } catch let error as APIError {
            return report(error)
        } catch let error as EngineError {
            return report(APIError(error))
        } catch let error as GenerationError {
            return report(APIError(error))
        } catch let error as GenerationQuota.Excess {
            return report(APIError(GenerationError(error)))
        } catch let error as HTTPParserError {
            // The connection cannot be used further; the framework closes it.
            return report(.malformed(error))
        } catch let error as RefusedRequest {
            return report(error.error)
        } catch let error as RequestTimeout {
            return report(error.apiError)
        } catch is NIOTooManyBytesError {
            return report(.bodyTooLarge(limit: bodyLimit))
        } catch let error as any HTTPResponseError where error.status == .notFound {
            return notFound(request, in: form)
        } catch is CancellationError {
            return report(APIError(.unavailable, "The server is shutting down"))
        } catch {
            context.logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            return report(APIError(.failed, "The server failed to process this request"))
        }
    }

    /// 404, or 405 if the path has other methods.
    private func notFound(_ request: Request, in form: Dialect.ErrorForm) -> Response {
        let path = RequestPath(request.uri.path).text.excerpt(bytes: 256)
        let methods = routes.methods(of: request.uri.path)
        guard !methods.isEmpty else {
            return .error(APIError(.notFound, "There is no route \(path)"), in: form)
        }
        let allowed = methods.joined(separator: ", ")
        var response = Response.error(
            APIError(
                .methodNotAllowed, "Route \(path) allows \(allowed), but got \(request.method.rawValue)"),
            in: form)
        response.headers[.allow] = allowed
        return response
    }
}

extension APIError {
    /// The error of bytes that are no HTTP/1.1, or of a head that exceeds a limit.
    static func malformed(_ error: any Error) -> APIError {
        if error as? HTTPParserError == .headerOverflow {
            return APIError(
                .headersTooLarge, "The request's target and header fields exceed this server's limit")
        }
        return APIError(.invalidRequest, "The request is not valid HTTP/1.1: \(error)")
    }
}
