extension SettingTable {
    /// The settings of journals.
    static let journal: [Setting] = [
        Setting(
            .journal, environment: [], .toggle, default: "on", in: .streams, for: .edge,
            "Write resumable generations to journals, so that they continue or can be read after a restart."),
        Setting(
            .stateDirectory, environment: [], .text, "PATH",
            unset: "$XDG_STATE_HOME/martlet, else ~/.local/state/martlet", in: .streams, for: .edge,
            "The folder of journals. Only the server's account can read it, and only one server can use it."),
        Setting(
            .durability, environment: [], .choice(["none", "write", "fsync"]), "DEGREE", default: "write",
            in: .streams, for: .edge,
            "What journals survive: none = a planned end of the server, write = also a crash, fsync = also a power failure."
        ),
        Setting(
            .journalSize, environment: [], .integer(1...1_048_576), "MIB", default: "1024", in: .streams, for: .edge,
            "Maximum size of all journals. Journals of ended generations are deleted first, the oldest first."),
    ]
}
