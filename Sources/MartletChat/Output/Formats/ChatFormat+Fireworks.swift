extension ChatFormat {
    static let firefunction = list("firefunction", " functools", "")
}
