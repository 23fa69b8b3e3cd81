import Failpoints
import Foundation
import Processes
import Testing

extension SystemTests {
    /// Processes that are killed between two given steps, and damage on the disk. `scripts/faults` has the whole matrix.
    @Suite struct FaultTests {
        /// The fewest jobs that pass every stage.
        static let study = """
            study: tiny
            data: {format: synthetic, seed: 1, training_per_class: 12, test_per_class: 6}
            model: fixup-resnet20
            profile: paper
            protocol: independent
            seed: 1
            pretraining: {pairs: 2, epochs: 1}
            evaluation: {pairs: 1, replicates: 1, epochs: 2}
            training: {batch_size: 32}
            arms:
              - random
              - {name: clustered, method: clustered, distance: fourier-real, models: 2, clusters: 2, layers: 17}

            """

        private static func tinyBench() throws -> Workbench {
            let bench = try Workbench()
            try bench.write(study, to: "tiny.yaml")
            return bench
        }

        private static func run(_ verb: String, _ bench: Workbench, failpoints: String = "") throws -> SowerProcess.Ending {
            let study = verb == "run" ? bench.studyFile : "tiny"
            return try bench.start(
                [verb, study, "--workers", "2", "--checkpoint-every", "0", "--output-mode", "quiet"] + bench.inResults,
                environment: [FailpointVariable.plan: failpoints, FailpointVariable.tally: bench.folder + "/tally"]
            ).finish()
        }

        private static func digits(_ bench: Workbench) throws -> String {
            try ["validation_accuracy", "training_loss"].map { metric in
                try bench.succeed(["table", "tiny", "--format", "csv", "--precision", "15", "--metric", metric] + bench.inResults).text
            }.joined()
        }

        /// The digits of a run that nothing disturbs, and how often it passes each failpoint.
        private static let calm = Result {
            let bench = try Self.tinyBench()
            #expect(try run("run", bench).exitCode == 0)
            let tally = try FailpointTally(path: bench.folder + "/tally")
            let passes = Failpoint.allCases.map { ($0, tally.passes(of: $0)) }
            return (digits: try digits(bench), passes: Dictionary(uniqueKeysWithValues: passes))
        }

        /// Those of hosts are passed by the sweeps of `ClusterTests`.
        @Test func `a sweep passes every failpoint`() throws {
            let passes = try Self.calm.get().passes
            let never = passes.filter { $0.value == 0 && !$0.key.isOfHosts }.map(\.key.rawValue)
            #expect(never.isEmpty, "what is never passed tests nothing")
        }

        /// One place of each kind, on both sides; the coordinator's are continued by a resume, the workers' by the sweep itself.
        @Test(arguments: [
            Failpoint.ledgerCommitBefore, .ledgerCommitAfter, .artifactRenameAfter, .partialFinishBefore,
            .outboxSyncBefore, .outboxSyncAfter, .workerSendBefore, .runnerAnswerBefore,
        ])
        func `a process killed at the middle pass costs no digit and no finished job`(point: Failpoint) throws {
            let calm = try Self.calm.get()
            let bench = try Self.tinyBench()
            let middle = ((calm.passes[point] ?? 0) + 1) / 2
            let first = try Self.run("run", bench, failpoints: "\(point.rawValue)=kill@\(middle)")
            #expect(try FailpointTally(path: bench.folder + "/tally").passes(of: point) >= middle, "it was reached")
            bench.expectNoProcessIsLeft()
            let finished = try bench.status()?.finished ?? 0
            if first.end == .signalled(SIGKILL) {
                #expect(try Self.run("resume", bench).exitCode == 0)
                bench.expectNoProcessIsLeft()
            } else {
                #expect(first.exitCode == 0, "\(first.standardError)")
            }
            #expect(try bench.status()?.finished ?? 0 >= finished)
            #expect(try Self.digits(bench) == calm.digits)
            if let attempts = try bench.query("SELECT count(*), count(DISTINCT job) FROM attempts WHERE state = 'finished'") {
                #expect(attempts == "6|6", "each job has one finished attempt")
            }
            #expect(try bench.succeed(["verify", "tiny"] + bench.inResults).text.contains("nothing is wrong"))
        }

        @Test func `a full disk ends the coordinator with what, where and how to go on`() throws {
            let bench = try Self.tinyBench()
            let full = try Self.run("run", bench, failpoints: "ledger.commit.before=error(ENOSPC)@5")
            #expect(full.exitCode == 5)
            #expect(full.standardError.contains("The ledger \(bench.ledger) could not grow: the disk or the quota is full"))
            #expect(full.remedy?.contains("then continue with `sower resume`") == true)
            bench.expectNoProcessIsLeft()
            #expect(try Self.run("resume", bench).exitCode == 0)
            #expect(try Self.digits(bench) == Self.calm.get().digits)
        }

        @Test func `changed bits are found before a table is printed, and verify names what to do`() throws {
            let bench = try Self.tinyBench()
            #expect(try Self.run("run", bench).exitCode == 0)
            // An accuracy of the result that stands, as it lies in the file: eight bytes of a double, big-endian.
            let fields = try bench.succeed(["table", "tiny", "--format", "csv", "--precision", "15"] + bench.inResults).text
                .split { $0 == "," || $0 == "\n" }
            let accuracy = try #require(fields.compactMap { Double($0) }.first { $0 > 0 && $0 != $0.rounded() })
            let needle = withUnsafeBytes(of: accuracy.bitPattern.bigEndian) { Data($0) }
            var file = try Data(contentsOf: URL(fileURLWithPath: bench.ledger))
            var place = try #require(file.firstRange(of: needle))
            while let next = file[place.upperBound...].firstRange(of: needle) { place = next }
            file[place.lowerBound + 4] ^= 1
            try file.write(to: URL(fileURLWithPath: bench.ledger))

            let table = try bench.sower(["table", "tiny"] + bench.inResults)
            let verified = try bench.sower(["verify", "tiny", "--output-mode", "json"] + bench.inResults)
            struct Report: Decodable {
                struct Problem: Decodable { var what, remedy: String }
                var kind: String
                var problems: [Problem]
            }
            let report = try JSONDecoder().decode(Report.self, from: Data(verified.output))
            #expect(verified.exitCode == 1 && report.kind == "verify" && !report.problems.isEmpty)
            #expect(report.problems.allSatisfy { $0.what.contains(bench.ledger) && $0.remedy.contains("check the disk") })
            // The byte may be of an epoch that the default table does not read.
            if try table.exitCode != 0 || Self.digits(bench) != Self.calm.get().digits {
                #expect(table.exitCode == 2 && table.output.isEmpty, "\(table.text)")
                #expect(table.standardError.contains("is not what was recorded") && table.remedy?.contains("check the disk") == true)
            }
        }

        @Test func `a malformed failpoint ends the program at once`() throws {
            let bench = try Workbench()
            let refused = [
                ("ledger.comit=kill", "names the failpoint \"ledger.comit\", which there is not"),
                ("ledger.commit.after=di", "expected NAME=ACTION"),
            ]
            for (text, words) in refused {
                let ending = try bench.start(["status"] + bench.inResults, environment: [FailpointVariable.plan: text]).finish(within: 5)
                #expect(ending.exitCode == 2 && ending.standardError.contains(words), "\(ending.standardError)")
                #expect(ending.remedy != nil)
            }
        }
    }
}
