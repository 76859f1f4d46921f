internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletStreams
internal import MartletText
internal import NIOCore

/// The chat page: `/` and its files under `/page/`. They are public, and contain nothing of a user or a model.
///
/// The page itself is asked for again at each visit and answered with 304 while it is the same; its files have names
/// with a hash of their content, so a browser stores them for ever.
struct PageRoutes: Sendable {
    /// nil in a build without the page.
    let pack: PagePack?

    /// The folder of all files except the page itself.
    static let filesPath = "page"

    func add(to table: inout RouteTable) {
        table.add(.get, "/") { request, _ in
            guard let pack, let file = pack.files[ExactString("index.html")] else { return Self.missingPage(request) }
            return Self.response(with: file, of: pack, to: request, cacheControl: "no-cache")
        }
        table.add(.get, "/\(Self.filesPath)/{name}") { request, context in
            let name = context.parameters.get("name") ?? ""
            guard let pack, let file = pack.files[ExactString("\(Self.filesPath)/\(name)")] else {
                throw APIError(.notFound, "The page has no file \(name.excerpt(bytes: 256))")
            }
            return Self.response(
                with: file, of: pack, to: request, cacheControl: "public, max-age=31536000, immutable")
        }
    }

    /// Whether a request needs no key: it reads a file of the page.
    static func isPublic(_ path: RequestPath) -> Bool {
        path.parts.isEmpty || path.parts.count == 2 && path.parts[0].hasSameBytes(as: filesPath)
    }

    private static func response(
        with file: PagePack.File, of pack: PagePack, to request: Request, cacheControl: String
    ) -> Response {
        let stored = PagePack.Coding.allCases.filter { file.places[$0] != nil || $0 == .identity }
        let accepted = request.headers[values: .acceptEncoding]
        let coding = AcceptedCodings(accepted.isEmpty ? nil : accepted.joined(separator: ",")).choose(from: stored)
        // Two codings of a file are different bytes, so a strong tag names the coding, too.
        let tag = "\"\(file.tag)-\(coding.rawValue)\""
        var headers = file.isFramed ? framedHeaders : securityHeaders
        headers[.eTag] = tag
        headers[.cacheControl] = cacheControl
        headers[.vary] = "Accept-Encoding"
        if names(tag, in: request.headers[values: .ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = file.type
        if coding != .identity { headers[.contentEncoding] = coding.rawValue }
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: pack.content(of: file, coding)))
    }

    /// Whether `If-None-Match` has a tag, in the weak comparison that RFC 9110 demands for it.
    private static func names(_ tag: String, in fields: [String]) -> Bool {
        fields.flatMap { $0.split(separator: ",") }.contains { item in
            var item = item.drop { $0 == " " }
            if item.hasPrefix("W/") { item = item.dropFirst(2) }
            while item.last == " " { item.removeLast() }
            return item == "*" || item.hasSameBytes(as: tag)
        }
    }

    /// The page of a build without the chat page: it says how to build it, and where the API is.
    private static func missingPage(_ request: Request) -> Response {
        var headers = securityHeaders
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.cacheControl] = "no-store"
        let text = """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta name="color-scheme" content="light dark">
            <title>Martlet</title>
            <h1>Martlet is running</h1>
            <p>This build has no chat page. To add it, install the JavaScript packages and build again:</p>
            <pre>make page build</pre>
            <p>The API is here as usual, for example <a href="v1/models">v1/models</a> and <a href="health">health</a>.</p>
            </html>

            """
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// The page runs only its own scripts, talks only to its own server, and never turns text into HTML.
    private static let securityHeaders: HTTPFields = [
        .contentSecurityPolicy: [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
            "font-src 'self'", "connect-src 'self'", "media-src 'self' blob:", "worker-src 'self'",
            "manifest-src 'self'", "frame-src 'self'", "base-uri 'none'", "form-action 'none'",
            "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
        ].joined(separator: "; "),
        .xContentTypeOptions: "nosniff",
        .referrerPolicy: "no-referrer",
        .openerPolicy: "same-origin",
        .resourcePolicy: "same-origin",
    ]

    /// The page in which an answer's own HTML and scripts run: an origin of its own, without network, storage and forms. The
    /// `frame-src` of the chat page keeps it from going to another address.
    private static let framedHeaders: HTTPFields = {
        var headers = securityHeaders
        headers[.contentSecurityPolicy] = [
            "sandbox allow-scripts", "default-src 'none'", "script-src 'unsafe-inline'", "style-src 'unsafe-inline'",
            "img-src data: blob:", "font-src data:", "media-src data: blob:", "worker-src blob:", "base-uri 'none'",
            "form-action 'none'", "frame-ancestors 'self'",
        ].joined(separator: "; ")
        return headers
    }()
}

extension HTTPField.Name {
    static let referrerPolicy = Self.known("Referrer-Policy")
    static let openerPolicy = Self.known("Cross-Origin-Opener-Policy")
    static let resourcePolicy = Self.known("Cross-Origin-Resource-Policy")
}
