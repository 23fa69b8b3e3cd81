/// Vectors without their lengths.
enum UnitVectors {
    /// Each of the vectors `[n][dimension]` divided by its Euclidean norm, which is computed in double precision; a vector of
    /// zeros stays as it is. One that holds an infinity or is not a number becomes not a number.
    static func of(_ vectors: [Float], dimension: Int) -> [Float] {
        precondition(dimension > 0 && vectors.count.isMultiple(of: dimension))
        var result = vectors
        for start in stride(from: 0, to: result.count, by: dimension) {
            let range = start..<start + dimension
            let square = result[range].reduce(0.0) { $0 + Double($1) * Double($1) }
            guard square != 0 else { continue }
            let norm = square.squareRoot()
            for index in range { result[index] = Float(Double(result[index]) / norm) }
        }
        return result
    }
}
