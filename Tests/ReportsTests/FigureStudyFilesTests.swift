import Digests
import Foundation
import Testing

import Reports
import Studies
import StudyFiles

/// `scripts/studies/figure-N.yaml`.
struct FigureStudyFilesTests {
    private static let names = ["figure-2", "figure-3", "figure-4", "figure-5", "figure-7", "figure-8"]

    private static func study(_ name: String, overrides: [String] = []) throws -> Study {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let text = try String(contentsOf: root.appending(path: "scripts/studies/\(name).yaml"), encoding: .utf8)
        return try StudyFiles.decode(text: text, sourceName: name, overrides: overrides)
    }

    @Test(arguments: names + ["figure-6"])
    func `a figure's file has its arms, all of them and no others`(name: String) throws {
        let study = try Self.study(name)
        let figures = FigureExample.figures(of: study, cells: FigureExample.cells(of: study))
        let figure = try #require(figures.first { $0.name == name }?.outcome.figure)
        #expect(figure.arms == study.arms.map(\.name))
        #expect(!figure.notes.contains { $0.hasPrefix("Not arms") || $0.hasPrefix("Not as published") }, "\(figure.notes)")
    }

    @Test func `the file of the filters' figure has the published arm`() throws {
        let study = FigureStudy(try Self.study("figure-10"))
        #expect(FigureDefinition.filterArms(of: study) == ["fourier-k3-m6-l17"])
        #expect(FigureDefinition.isPublishedFilterArm("fourier-k3-m6-l17", of: study))
    }

    @Test(arguments: names, [[], ["protocol=chained"], ["profile=published-code"], ["profile=published-code", "protocol=independent"]])
    func `what a figure's file computes the whole study computes too`(name: String, overrides: [String]) throws {
        let whole = try FigureExample.study(overrides: overrides), part = try Self.study(name, overrides: overrides)
        #expect(whole.name == part.name, "they would not share a ledger")
        let dataset = Digest(of: "data")
        let known = Set(whole.expand(dataset: dataset).jobs.map(\.id))
        let jobs = part.expand(dataset: dataset).jobs
        #expect(jobs.allSatisfy { known.contains($0.id) })
        #expect(jobs.count < known.count / 2 && jobs.count { $0.stage == .evaluate } == part.arms.count * 50)
    }

    @Test(arguments: [[], ["protocol=chained"], ["profile=published-code"], ["profile=published-code", "protocol=independent"]])
    func `the figure of aligned filters pre-trains networks of its own`(overrides: [String]) throws {
        let study = try Self.study("figure-6", overrides: overrides)
        let plan = study.expand(dataset: Digest(of: "data"))
        // Six source models a replicate: the same for all in what was published, drawn for each in the text.
        #expect(study.profile == .publishedCode ? plan.count(of: .pretrain) == 6 : (7...30).contains(plan.count(of: .pretrain)))
        #expect(plan.count(of: .evaluate) == 4 * 50)
        let networks = plan.jobs.compactMap { job in if case .train(let spec) = job.spec { spec.model.architecture } else { nil } }
        #expect(Set(networks) == ["custom-resnet18"])
    }
}
