/// What a study draws by lot: its pairs and the models each replicate reads. Every choice has a stream name.
extension Study {
    package var seeds: SeedDerivation { SeedDerivation(root: seed) }

    /// The pairs that are pre-trained, in sorted order: all of them, or the first few of a keyed shuffle.
    package var pretrainingPairs: [[Int]] {
        choose(pretraining.pairs, of: Study.pairs(of: pretraining.superclasses), stream: "pretraining/pairs")
    }

    /// The pairs every arm is evaluated on, in sorted order, which is also the order of a chain. The one task of data without
    /// superclasses is written as the empty pair.
    package var evaluationPairs: [[Int]] {
        guard data.hasSuperclasses else { return [[]] }
        return choose(evaluation.pairs, of: Study.pairs(of: evaluation.superclasses), stream: "evaluation/pairs")
    }

    /// The pre-trained pairs whose models a clustered arm reads in one replicate, in sorted order.
    ///
    /// `paper`: a subset drawn for each replicate. `published-code`: one shuffled list, whose first `count` serve every
    /// replicate. In both, fewer models are a subset of more. On Tiny ImageNet the published code takes models 6i…6i+5 of the list
    /// in replicate i: the first `count`, the next `count`, and from the beginning again when the list is at its end.
    package func sourcePairs(count: Int, replicate: Int) -> [[Int]] {
        if profile == .publishedCode, case .tinyImageNet = data {
            let list = sourceList(replicate: replicate)
            return (0..<count).map { list[((replicate - 1) * count + $0) % list.count] }.sorted { $0.lexicographicallyPrecedes($1) }
        }
        return choose(count, of: pretrainingPairs, stream: sourceStream(replicate: replicate))
    }

    /// Pairs in the order drawn: that in which an aligned arm takes them, which decides its result. On data with superclasses the same
    /// pairs as `sourcePairs`.
    package func sourceOrder(count: Int, replicate: Int) -> [[Int]] { Array(sourceList(replicate: replicate).prefix(count)) }

    private func sourceList(replicate: Int) -> [[Int]] {
        seeds.keyedOrder(sourceStream(replicate: replicate), of: pretrainingPairs, name: Study.name(of:))
    }

    private func sourceStream(replicate: Int) -> String {
        switch profile {
        case .paper: "sources/replicate-\(replicate)"
        case .publishedCode: "sources"
        }
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

    /// The pre-trained pairs whose models an arm reads in any replicate.
    package func sources(of arm: Arm) -> Set<[Int]> {
        let replicates = 1...evaluation.replicates
        switch arm.method {
        case .random, .gabor, .stateDict: return []
        case .clustered(let clustering):
            return Set(replicates.flatMap { sourcePairs(count: clustering.models, replicate: $0) })
        case .aligned(let alignment):
            return Set(replicates.flatMap { sourceOrder(count: alignment.models, replicate: $0) })
        case .pretrained:
            let pairs = evaluationPairs
            return Set(replicates.flatMap { replicate in pairs.map { pretrainedSource(pair: $0, replicate: replicate) } })
        }
    }

    /// A pair's name in streams, labels and tables: `3-7`; `all` for all classes.
    package static func name(of pair: [Int]) -> String { pair.isEmpty ? "all" : pair.map(String.init).joined(separator: "-") }

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
