import Foundation
import Testing

extension SystemTests {
    /// Arms on two networks, one of them with aligned filters, through whole processes.
    @Suite struct AlignedStudyTests {
        private static let study = """
            study: tiny
            data: {format: synthetic, seed: 1, training_per_class: 8, test_per_class: 4}
            seed: 1
            pretraining: {pairs: 3, epochs: 1}
            evaluation: {pairs: 1, replicates: 2, epochs: 1}
            training: {batch_size: 32}
            arms:
              - random
              - {name: random-custom, method: random, model: custom-resnet18}
              - {name: greedy, method: aligned, model: custom-resnet18, models: 2, layers: 2}
              - {name: optimal, method: aligned, model: custom-resnet18, matching: optimal, models: 2, layers: 2}

            """

        @Test func `aligned filters come from the networks of their own architecture to a table that says so`() throws {
            let bench = try Workbench()
            try bench.write(Self.study, to: "tiny.yaml")
            let plan = try bench.succeed(["plan", bench.studyFile] + bench.inResults).text
            #expect(plan.contains("align     4 jobs, 0 done") && plan.contains("evaluate  8 jobs, 0 done"))
            #expect(!plan.contains("cluster "))
            let table = try bench.succeed(["run", bench.studyFile, "--workers", "2"] + bench.inResults).text
            #expect(table.contains("network: custom-resnet18 in random-custom, greedy, optimal, not resnet18 as in the others"))
            #expect(table.contains("difference: arm minus random (greedy, optimal minus random-custom, which is on their network)"))

            let cells = try bench.succeed(["status", "tiny", "--cells"] + bench.inResults).text.split(separator: "\n")
            let pretrained = cells.count { $0.contains("pretrain custom-resnet18 ") }
            #expect((2...3).contains(pretrained) && plan.contains("pretrain  \(pretrained) jobs"))
            let words = try #require(cells.last { $0.contains("evaluate optimal") }).split(separator: " ")
            let why = try bench.succeed(["why", "optimal/\(words[4])/\(words[6])"] + bench.inResults).text
            #expect(why.contains("align the filters of 2 networks in 2 layers, optimal matching"))
            #expect(why.contains("train custom-resnet18 on superclasses") && !why.contains("train resnet18"))

            // By hand, once more: the same bits.
            let lines = why.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            let place = try #require(lines.firstIndex { $0.contains("align") })
            let align = try #require(lines[place].first { $0.count == 12 && $0.allSatisfy(\.isHexDigit) })
            let before = try #require(lines[place...].first { $0.first == "initialization" })
            let again = try bench.succeed(["job", "run", align, "--study", "tiny"] + bench.inResults).text
            #expect(again.contains("\ninitialization \(before[1])"), "\(again)")
            #expect(try bench.succeed(["verify", "tiny"] + bench.inResults).text.contains("nothing is wrong"))
        }
    }
}
