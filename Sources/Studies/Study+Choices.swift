/// What a study draws by lot: its pairs and the models each replicate reads. Every choice has a stream name.
extension Study {
    package var seeds: SeedDerivation { SeedDerivation(root: seed) }

    /// The pairs that are pre-trained, in sorted order: all of them, or the first few of a keyed shuffle.
    package var pretrainingPairs: [[Int]] {
        choose(pretraining.pairs, of: Study.pairs(of: pretraining.superclasses), stream: "pretraining/pairs")
    }

    /// The pairs every arm is evaluated on, in sorted order, which is also the order of a chain.
    package var evaluationPairs: [[Int]] {
        choose(evaluation.pairs, of: Study.pairs(of: evaluation.superclasses), stream: "evaluation/pairs")
    }

    /// The pre-trained pairs whose models a clustered arm reads in one replicate, in sorted order.
    ///
    /// `paper`: a subset drawn for each replicate. `published-code`: one shuffled list, whose first `count` serve every
    /// replicate. In both, fewer models are a subset of more.
    package func sourcePairs(count: Int, replicate: Int) -> [[Int]] {
        let stream =
            switch profile {
            case .paper: "sources/replicate-\(replicate)"
            case .publishedCode: "sources"
            }
        return choose(count, of: pretrainingPairs, stream: stream)
    }

    /// The pre-trained pair whose model a pre-trained start takes: drawn for each run, for a chain once a replicate.
    package func pretrainedSource(pair: [Int], replicate: Int) -> [Int] {
        let stream =
            switch evaluationProtocol {
            case .independent: "pretrained/\(Study.name(of: pair))/replicate-\(replicate)"
            case .chained: "pretrained/replicate-\(replicate)"
            }
        return seeds.keyedOrder(stream, of: pretrainingPairs, name: Study.name(of:))[0]
    }

    /// A pair's name in streams, labels and tables: `3-7`.
    package static func name(of pair: [Int]) -> String { pair.map(String.init).joined(separator: "-") }

    /// All pairs of the superclasses, sorted, each ascending.
    static func pairs(of superclasses: [Int]) -> [[Int]] {
        let sorted = superclasses.sorted()
        return sorted.indices.flatMap { i in sorted[(i + 1)...].map { [sorted[i], $0] } }
    }

    private func choose(_ count: Int, of pairs: [[Int]], stream: String) -> [[Int]] {
        seeds.keyedOrder(stream, of: pairs, name: Study.name(of:)).prefix(count)
            .sorted { $0.lexicographicallyPrecedes($1) }
    }
}
