extension SettingTable {
    static let server: [Setting] = [
        Setting(
            .host, environment: ["LLAMA_ARG_HOST"], .list, "ADDRESSES", default: "127.0.0.1", in: .server, for: .edge,
            "Where to listen, on one address or several. 0.0.0.0 = on every network of this machine, which wants a key; "
                + "a path that ends in .sock = a Unix socket. A port behind an address is as good as --port."),
        Setting(
            .port, environment: ["LLAMA_ARG_PORT"], .integer(0...65_535), "PORT", default: "8080", in: .server,
            for: .edge, "0 = any free one."),
        Setting(
            .apiKey, environment: ["LLAMA_ARG_API_KEY", "LLAMA_API_KEY"], .list, "KEYS", unset: "everybody is let in",
            in: .server, for: .edge, "Keys of which clients must show one. Others see them in the list of processes."),
        Setting(
            .apiKeyFile, environment: ["LLAMA_ARG_API_KEY_FILE"], .text, "PATH", in: .server, for: .edge,
            "A file with one key on each line, which ' # NAME' may follow; lines that begin with # are comments."),
        Setting(
            .allowUnauthenticated, environment: [], .toggle, default: "off", in: .server, for: .edge,
            "Let everybody in without a key also where others than this machine reach the server."),
        Setting(
            .allowedHosts, environment: [], .list, "NAMES", unset: "those of this machine, if --host is one",
            in: .server,
            for: .edge, "Further names under which clients may address the server in the Host header. * = any."),
        Setting(
            .tlsCertificateFile, environment: ["LLAMA_ARG_SSL_CERT_FILE"], .text, "PATH", unset: "plain HTTP",
            in: .server, for: .edge,
            "A PEM file with the certificate for HTTPS and those that lead to its root. When the files change, new "
                + "connections are shown the new certificate; SIGHUP reads them at once."),
        Setting(
            .tlsKeyFile, environment: ["LLAMA_ARG_SSL_KEY_FILE"], .text, "PATH", in: .server, for: .edge,
            "A PEM file with the certificate's key."),
        Setting(
            .crossOrigins, environment: ["LLAMA_ARG_CORS_ORIGINS"], .anyText, "ORIGINS", default: "localhost",
            in: .server, for: .edge,
            "Which web pages may use the server: localhost = those of this machine, * = all, else this origin."),
        Setting(
            .crossOriginMethods, environment: ["LLAMA_ARG_CORS_METHODS"], .anyText, "METHODS",
            default: "GET, POST, DELETE, OPTIONS", in: .server, for: .edge, "The methods that they may use."),
        Setting(
            .crossOriginHeaders, environment: ["LLAMA_ARG_CORS_HEADERS"], .anyText, "HEADERS",
            default: "*, Authorization", in: .server, for: .edge, "The headers that they may send."),
        Setting(
            .crossOriginCredentials, environment: ["LLAMA_ARG_CORS_CREDENTIALS"], .toggle, default: "on", in: .server,
            for: .edge, "Let them send cookies and HTTP authentication."),
        Setting(
            .slots, environment: ["LLAMA_ARG_ENDPOINT_SLOTS"], .toggle, default: "on", in: .server, for: .edge,
            "Serve /slots."),
        Setting(
            .metrics, environment: ["LLAMA_ARG_ENDPOINT_METRICS"], .toggle, default: "on", in: .server, for: .edge,
            "Serve /metrics."),
        Setting(
            .properties, environment: ["LLAMA_ARG_ENDPOINT_PROPS"], .toggle, default: "off", in: .server, for: .edge,
            "Serve POST /props, which changes nothing yet."),
        Setting(
            .timeout, ["-to"], environment: ["LLAMA_ARG_TIMEOUT"], .integer(0...Int64(Int32.max)), "SECONDS",
            default: "60", in: .server, for: .edge,
            "How long a connection may be idle, or a request may stall while it is read. 0 = no limit."),
        Setting(
            .requestTimeout, environment: [], .integer(1...86_400), "SECONDS", default: "300", in: .server, for: .edge,
            "How long a request may take from its header to the end of its body."),
        Setting(
            .stallTimeout, environment: [], .integer(1...86_400), "SECONDS", default: "60", in: .server, for: .edge,
            "How long a client may take nothing of its response before it counts as gone."),
        Setting(
            .maximumConnections, environment: [], .integer(1...1_048_576), "COUNT",
            unset: "as many as an eighth of the memory and the descriptors allow", in: .server, for: .edge,
            "Most connections at once. Beyond, connections serve health, /slots, stops and orders only."),
        Setting(
            .maximumGenerations, environment: [], .integer(1...1_048_576), "COUNT", default: "2048", in: .server,
            for: .edge, "Most generations that run or wait, of all clients together; more are refused with 503."),
        Setting(
            .maximumGenerationsPerKey, environment: [], .integer(0...1_048_576), "COUNT", default: "0", in: .server,
            for: .edge, "The same of one API key; more are refused with 429. 0 = no limit."),
        Setting(
            .drainTimeout, environment: [], .integer(1...3_600), "SECONDS", default: "3", in: .server, for: .edge,
            "How long the server takes to end when it is asked to; answers may go on for two thirds of it."),
    ]
}
