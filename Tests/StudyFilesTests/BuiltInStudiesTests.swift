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
        #expect(study.arms.count == 2 + 5 + 2 * 14)
        #expect(study.deviations.isEmpty)
        let plan = study.expand(dataset: Digest(of: "data"))
        #expect(plan.count(of: .pretrain) == 45)
        #expect(plan.count(of: .evaluate) == 35 * 50)
        let published = try StudyFiles.decode(
            text: BuiltInStudies.text(named: "clustered")!, sourceName: "clustered", overrides: ["profile=published-code"])
        #expect(published.deviations.isEmpty)
        #expect(published.pretraining.recipe.epochs == 25)
        #expect(published.evaluationProtocol == .chained)
    }

    @Test func `the natural-image example is the published grid with two arms`() throws {
        let study = try StudyFiles.decode(text: BuiltInStudiesTests.file("natural-small"), sourceName: "natural-small")
        #expect(study.deviations.isEmpty)
        #expect(study.expand(dataset: Digest(of: "data")).jobs.count == 45 + 5 + 5 + 100)
    }
}
