extension SettingTable {
    /// What outlives a server.
    static let journal: [Setting] = [
        Setting(
            .journal, environment: [], .toggle, default: "on", in: .streams, for: .edge,
            "Write resumable answers to files, so that they go on or can be read again after a restart."),
        Setting(
            .stateDirectory, environment: [], .text, "PATH",
            unset: "$XDG_STATE_HOME/martlet, else ~/.local/state/martlet", in: .streams, for: .edge,
            "Where these files are. Only the account that runs the server may look into it, and one server uses it."),
        Setting(
            .durability, environment: [], .choice(["none", "write", "fsync"]), "DEGREE", default: "write",
            in: .streams, for: .edge,
            "What they survive: none = a planned end of the server, write = its death too, fsync = a power cut too."),
        Setting(
            .journalSize, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .streams, for: .edge,
            "Most that these files take together; those of ended answers make room, the oldest first."),
    ]
}
