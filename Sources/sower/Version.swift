import Jobs

/// What this build is.
enum Version {
    static let text = "0.1.0 (\(NumericClass.current))"
}
