import Digests
import Foundation
import Testing

import Studies
import StudyFiles

struct BuiltInStudiesTests {
    private static func file(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        // Found from the real place of this file, which may be reached through a link.
        let studies = root.appending(path: "scripts/studies")
        let place =
            FileManager.default.fileExists(atPath: studies.path(percentEncoded: false))
            ? studies : URL(filePath: #filePath).resolvingSymlinksInPath().appending(path: "../../../scripts/studies").standardized
        return try String(contentsOf: place.appending(path: "\(name).yaml"), encoding: .utf8)
    }

    @Test(arguments: BuiltInStudies.names)
    func `a built-in study is its file, and valid`(name: String) throws {
        let text = try #require(BuiltInStudies.text(named: name))
        #expect(try text == BuiltInStudiesTests.file(name))
        #expect(try StudyFiles.decode(text: text, sourceName: name).name == name)
    }

    @Test func `no other name has a text`() { #expect(BuiltInStudies.text(named: "../demo") == nil) }

    @Test func `the demo is small enough for a few minutes and lists what it leaves out`() throws {
        let study = try StudyFiles.decode(text: BuiltInStudies.text(named: "demo")!, sourceName: "demo")
        let plan = study.expand(dataset: Digest(of: "demo"))
        #expect(plan.cost == JobCost(trainingImages: 68_400, validationImages: 22_800))
        // At 900 training and 3000 validation images a second on two cores: 84 s, of the 240 s it may take.
        #expect(Double(plan.cost.trainingImages) / 900 + Double(plan.cost.validationImages) / 3000 < 120)
        #expect(study.deviations.count == 8)
        #expect(plan.jobs.count == 6 + 2 + 2 + 18)
    }

    @Test func `the whole study has every arm of its figures`() throws {
        let study = try StudyFiles.decode(text: BuiltInStudies.text(named: "clustered")!, sourceName: "clustered")
        #expect(study.arms.count == 2 + 5 + 2 * 14 + 2 * 2 + 1 + 2 * 3)
        // What was not published is said to be so; on the custom ResNet-18 are the arms that were.
        #expect(study.deviations.allSatisfy { $0.hasPrefix("arm cosine-") || $0.hasPrefix("arm aligned-optimal-") })
        #expect(study.deviations.count == 5)
        let plan = study.expand(dataset: Digest(of: "data"))
        // Of the custom ResNet-18 only those pairs that some replicate aligns.
        let aligned = Set((1...5).flatMap { study.sourcePairs(count: 6, replicate: $0) })
        #expect(plan.count(of: .pretrain) == 45 + aligned.count && aligned.count < 30)
        #expect(plan.count(of: .align) == 6 * 5)
        #expect(plan.count(of: .evaluate) == 46 * 50)
        let published = try StudyFiles.decode(
            text: BuiltInStudies.text(named: "clustered")!, sourceName: "clustered", overrides: ["profile=published-code"])
        #expect(published.deviations == study.deviations)
        #expect(published.pretraining.recipe.epochs == 25)
        #expect(published.evaluationProtocol == .chained)
    }

    /// Recorded from a ledger without arms on another network: such sweeps go on.
    @Test func `the first 35 arms of the whole study have the job ids they always had`() throws {
        let text = try #require(BuiltInStudies.text(named: "clustered"))
        let dataset = try #require(Digest(hex: "683ff45fe0df4ab7ca35de4f6a5c87dc880689c460a4bad90fbc9c8519b9bec5"))
        func study(_ text: String) throws -> Study {
            try StudyFiles.decode(text: text, sourceName: "clustered", overrides: ["evaluation.replicates=2"])
        }
        let shortened = text.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.contains("# fourier-magnitude") }
        let before = try study(shortened.joined(separator: "\n"))
        #expect(before.arms.count == 35)
        #expect(before.digest.hex == "06f09955028d6fc7d09d40098f485fa61dd03dc5b7c96129285c922b7684dabe")
        let ids = before.expand(dataset: dataset).jobs.map(\.id.digest.hex).sorted()
        #expect(ids.count == 857)
        #expect(Digest(of: ids.joined()).hex == "bf509224df797398b7c087adf1f2418a01ec25b93a86c774a22f95614544ec59")
        let whole = try study(text).expand(dataset: dataset)
        #expect(Set(whole.jobs.map(\.id.digest.hex)).isSuperset(of: ids))
        // Four clusterings and samplings a replicate, 11 pre-trainings of the custom ResNet-18, six alignments, eleven new arms.
        #expect(whole.jobs.count == 857 + 2 * (4 + 4 + 6) + 11 + 11 * 20)
    }

    @Test func `the natural-image example is the published grid with two arms`() throws {
        let study = try StudyFiles.decode(text: BuiltInStudiesTests.file("natural-small"), sourceName: "natural-small")
        #expect(study.deviations.isEmpty)
        #expect(study.expand(dataset: Digest(of: "data")).jobs.count == 45 + 5 + 5 + 100)
    }
}
