import Jobs

/// What this build is.
enum Version {
    static let number = "0.1.0"
    static let text = "\(number) (\(NumericClass.current))"
    static let engine = NumericClass.engineVersion
    /// What coordinator and worker must have in common.
    static let program = "\(number), engine \(engine)"
}
