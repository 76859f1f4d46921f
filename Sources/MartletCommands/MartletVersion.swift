/// The version of the program.
package enum MartletVersion {
    /// In the form MAJOR.MINOR.PATCH.
    package static let current = "0.1.0"
}
