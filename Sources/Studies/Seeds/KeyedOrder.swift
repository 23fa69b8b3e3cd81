import Digests

extension SeedDerivation {
    /// `candidates` in an order that is random, but fixed by the root seed and the stream's name.
    ///
    /// A keyed shuffle: candidates are sorted by the SHA-256 of (root seed, stream name, the candidate's own name).
    /// So the order of the argument does not matter, the first *n* of a longer choice are the choice of *n*, and a
    /// candidate that is added leaves the others in the same order among themselves. `name` must tell candidates apart.
    package func keyedOrder<Candidate>(_ stream: String, of candidates: [Candidate], name: (Candidate) -> String) -> [Candidate] {
        let key = seed(stream)
        return candidates.map { (Digest(of: "sower order 1\n\(key)\n\(name($0))"), $0) }
            .sorted { $0.0 < $1.0 }
            .map(\.1)
    }
}
