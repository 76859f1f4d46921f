extension SettingTable {
    /// The settings of the HTTP server: addresses, keys, TLS, origins, routes, limits.
    static let server: [Setting] = [
        Setting(
            .host, environment: ["LLAMA_ARG_HOST"], .list, "ADDRESSES", default: "127.0.0.1", in: .server, for: .edge,
            "The addresses to listen on. 0.0.0.0 = all networks of this machine, which requires a key; a path that ends in "
                + ".sock = a Unix socket. An address may include the port."),
        Setting(
            .port, environment: ["LLAMA_ARG_PORT"], .integer(0...65_535), "PORT", default: "8080", in: .server,
            for: .edge, "The port to listen on. 0 = any free port."),
        Setting(
            .apiKey, environment: ["LLAMA_ARG_API_KEY", "LLAMA_API_KEY"], .list, "KEYS", unset: "no key is required",
            in: .server, for: .edge,
            "API keys; a client must send one of them. Other users of the machine can see them in the list of processes."
        ),
        Setting(
            .apiKeyFile, environment: ["LLAMA_ARG_API_KEY_FILE"], .text, "PATH", in: .server, for: .edge,
            "A file with an API key in each line, optionally followed by ' # NAME'. Lines that begin with # are comments."
        ),
        Setting(
            .priorityKey, environment: [], .list, "KEYS", unset: "no key, or every client of a server without keys",
            in: .server, for: .edge, "API keys whose requests may have a `priority` above 0."),
        Setting(
            .allowUnauthenticated, environment: [], .toggle, default: "off", in: .server, for: .edge,
            "Accept requests without a key even if other machines can reach the server."),
        Setting(
            .allowedHosts, environment: [], .list, "NAMES", unset: "names of this machine, if --host is one",
            in: .server,
            for: .edge, "Further names that the Host header may have. * = any."),
        Setting(
            .tlsCertificateFile, environment: ["LLAMA_ARG_SSL_CERT_FILE"], .text, "PATH", unset: "plain HTTP",
            in: .server, for: .edge,
            "A PEM file with the certificate chain for HTTPS. When the files change, new connections get the new "
                + "certificate; SIGHUP reloads the files at once."),
        Setting(
            .tlsKeyFile, environment: ["LLAMA_ARG_SSL_KEY_FILE"], .text, "PATH", in: .server, for: .edge,
            "A PEM file with the private key of the certificate."),
        Setting(
            .crossOrigins, environment: ["LLAMA_ARG_CORS_ORIGINS"], .anyText, "ORIGINS", default: "localhost",
            in: .server, for: .edge,
            "The web pages that may use the server: localhost = pages of this machine, * = all, else this origin."),
        Setting(
            .crossOriginMethods, environment: ["LLAMA_ARG_CORS_METHODS"], .anyText, "METHODS",
            default: "GET, POST, DELETE, OPTIONS", in: .server, for: .edge, "The methods that web pages may use."),
        Setting(
            .crossOriginHeaders, environment: ["LLAMA_ARG_CORS_HEADERS"], .anyText, "HEADERS",
            default: "*, Authorization", in: .server, for: .edge, "The headers that web pages may send."),
        Setting(
            .crossOriginCredentials, environment: ["LLAMA_ARG_CORS_CREDENTIALS"], .toggle, default: "on", in: .server,
            for: .edge, "Allow web pages to send cookies and HTTP authentication."),
        Setting(
            .page, ["--webui"], negatives: ["--no-webui"], environment: ["LLAMA_ARG_UI", "LLAMA_ARG_WEBUI"], .toggle,
            default: "on", in: .server, for: .edge, "Serve the chat page at /."),
        Setting(
            .history, environment: [], .toggle, default: "off", in: .server, for: .edge,
            "Store the chats of the page in the state folder, one set per API key, so that all devices have them."),
        Setting(
            .historySize, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .server, for: .edge,
            "Maximum size of the stored chats of one API key. Beyond it chats stay in the browser."),
        Setting(
            .pathPrefix, environment: ["LLAMA_ARG_API_PREFIX"], .anyText, "PATH", unset: "no prefix", in: .server,
            for: .edge, "The path behind which all routes and the chat page lie, such as /llm."),
        Setting(
            .slots, environment: ["LLAMA_ARG_ENDPOINT_SLOTS"], .toggle, default: "on", in: .server, for: .edge,
            "Serve /slots."),
        Setting(
            .modelMap, environment: [], .text, "PATTERN=NAME,...", unset: "no name is mapped", in: .server, for: .edge,
            "Names of models in requests that stand for names of this server, such as claude-*=qwen3. A pattern may end in *."
        ),
        Setting(
            .slotSavePath, environment: ["LLAMA_ARG_SLOT_SAVE_PATH"], .text, "PATH", unset: "slots cannot be saved",
            in: .server, for: .both,
            "A folder for the files of POST /slots/{id}?action=save and restore. The folder must exist."),
        Setting(
            .metrics, environment: ["LLAMA_ARG_ENDPOINT_METRICS"], .toggle, default: "on", in: .server, for: .edge,
            "Serve /metrics."),
        Setting(
            .properties, environment: ["LLAMA_ARG_ENDPOINT_PROPS"], .toggle, default: "off", in: .server, for: .edge,
            "Serve POST /props, which has no effect yet."),
        Setting(
            .timeout, ["-to"], environment: ["LLAMA_ARG_TIMEOUT"], .integer(0...Int64(Int32.max)), "SECONDS",
            default: "60", in: .server, for: .edge,
            "Maximum idle time of a connection, and of a request that is being received. 0 = no limit."),
        Setting(
            .requestTimeout, environment: [], .integer(1...86_400), "SECONDS", default: "300", in: .server, for: .edge,
            "Maximum time from a request's head to the end of its body."),
        Setting(
            .stallTimeout, environment: [], .integer(1...86_400), "SECONDS", default: "60", in: .server, for: .edge,
            "Maximum time in which a client receives nothing of its response. Then its connection is closed."),
        Setting(
            .maximumConnections, environment: [], .integer(1...1_048_576), "COUNT",
            unset: "by an eighth of the memory and by the descriptors", in: .server, for: .edge,
            "Maximum connections. Further connections serve only health, /slots, stops and control commands."),
        Setting(
            .maximumGenerations, environment: [], .integer(1...1_048_576), "COUNT", default: "2048", in: .server,
            for: .edge, "Maximum generations that run or wait, of all clients. Further requests are refused with 503."),
        Setting(
            .maximumGenerationsPerKey, environment: [], .integer(0...1_048_576), "COUNT", default: "0", in: .server,
            for: .edge, "Maximum generations per API key. Further requests are refused with 429. 0 = no limit."),
        Setting(
            .maximumPinnedTokens, environment: [], .integer(0...1 << 30), "TOKENS", default: "65536", in: .server,
            for: .edge,
            "Maximum tokens of the pinned prefixes of an API key together. Further ones are refused with 429."),
        Setting(
            .drainTimeout, environment: [], .integer(1...3_600), "SECONDS", default: "3", in: .server, for: .edge,
            "Maximum time of the drain at shutdown. Generations may continue for two thirds of it."),
    ]
}
