import Coordination
import Foundation
import LedgerStore
import Studies
import Testing

extension SystemTests {
    /// What is told of a number afterwards: where it came from, whether it comes again, and what its network said of each image.
    @Suite struct LineageTests {
        private static func finishedBench() throws -> Workbench {
            let bench = try Workbench()
            let study = FaultTests.study.replacingOccurrences(of: "epochs: 2}", with: "epochs: 2, keep_predictions: true}")
            try bench.write(study, to: "tiny.yaml")
            try bench.succeed(["run", bench.studyFile, "--workers", "2", "--output-mode", "quiet"] + bench.inResults)
            return bench
        }

        private struct Verification: Decodable {
            struct Problem: Decodable { var what, remedy: String }
            struct Replay: Decodable {
                struct Cell: Decodable { var cell, job: String; var difference, obstacle: String? }
                var cells: [Cell]
            }
            var problems: [Problem]
            var replay: Replay?
        }

        private func verify(_ bench: Workbench, _ arguments: [String], exitCode: Int32) throws -> Verification {
            let ending = try bench.sower(["verify", "tiny", "--output-mode", "json"] + arguments + bench.inResults)
            #expect(ending.exitCode == exitCode, "\(ending.standardError) \(ending.text)")
            return try JSONDecoder().decode(Verification.self, from: Data(ending.output))
        }

        @Test func `a replay gives the same bits, and finds a number that was changed together with its seals`() throws {
            let bench = try Self.finishedBench()
            let sound = try verify(bench, ["--replay", "9"], exitCode: 0)
            #expect(Set(sound.replay?.cells.map { $0.cell.prefix { $0 != "/" } } ?? []) == ["random", "clustered"], "all there are")
            let one = try verify(bench, ["--replay", "1", "--seed", "5"], exitCode: 0).replay?.cells.map(\.cell)
            #expect(try one == verify(bench, ["--replay", "1", "--seed", "5"], exitCode: 0).replay?.cells.map(\.cell))
            let left = try FileManager.default.contentsOfDirectory(atPath: bench.results + "/tiny").filter { $0.hasPrefix("replay") }
            #expect(left.isEmpty)

            let (cell, recorded, changed) = try plantChange(bench)
            #expect(try verify(bench, [], exitCode: 0).problems.isEmpty, "ledger, seals and digests agree with each other")
            let found = try verify(bench, ["--replay", "9"], exitCode: 1)
            let difference = "epoch 2, validation_loss: recorded \(changed), again \(recorded)"
            #expect(found.replay?.cells.filter { $0.difference != nil }.map(\.cell) == [cell])
            #expect(found.replay?.cells.first { $0.cell == cell }?.difference == difference)
            #expect(found.problems.map(\.what).first?.contains(difference) == true && found.problems.count == 1)

            let own = try #require(try bench.succeed(["--version"]).text.split(whereSeparator: { "()".contains($0) }).dropFirst().first)
            _ = try plantChange(bench, numericClass: "engine-1/fma")
            let elsewhere = try bench.sower(["verify", "tiny", "--replay", "9"] + bench.inResults)
            #expect(elsewhere.exitCode == 2, "\(elsewhere.text)")
            #expect(elsewhere.standardError.contains("2 of 2 cells have the numeric class engine-1/fma, this host's is \(own)"))
        }

        /// Puts a ledger in the place of the study's that says the same, but for the last digit of one loss: written by the ledger
        /// itself, so that every seal and digest fits.
        private func plantChange(
            _ bench: Workbench, numericClass: String? = nil
        ) throws -> (cell: String, recorded: Double, changed: Double) {
            let reader = try LedgerReader(path: bench.ledger)
            let row = try #require(try reader.latestStudy())
            let study = try JSONDecoder().decode(Study.self, from: Data(row.definitionJSON.utf8))
            let target = try #require(try reader.cellResults(study: row.id).first { $0.arm == "clustered" })
            guard case .train(let spec) = try JSONDecoder().decode(JobSpec.self, from: Data(reader.job(prefix: target.job.digest.hex).spec))
            else { throw SystemTestError("an evaluation is a training") }
            let plan = study.expand(dataset: spec.dataset)
            let recorded = try #require(target.epochs.last?.validationLoss)

            let path = bench.folder + "/changed-\(numericClass == nil ? 1 : 2).sqlite"
            let copy = try Ledger.open(path: path, now: Date())
            let rows = try plan.jobs.map { try reader.job(prefix: $0.id.digest.hex) }
            _ = try copy.register(
                study: StudyRecord(name: row.name, definitionDigest: row.definitionDigest, definitionJSON: row.definitionJSON),
                jobs: zip(plan.jobs, rows).enumerated().map { priority, job in
                    PlannedJobRecord(
                        id: job.0.id, spec: job.1.spec, kind: job.1.kind, stage: job.0.stage.rawValue, priority: priority,
                        inputs: job.1.inputs)
                },
                cells: plan.cells.map {
                    CellRecord(stage: $0.stage.rawValue, arm: $0.arm, pair: $0.pair, replicate: $0.replicate, job: $0.job)
                }, now: Date())
            let worker = Hello(worker: "w", host: "lab1", processID: 1, slots: 1, isCentral: false, numericClass: "", attempts: [])
            try copy.record([.workerJoined(worker)], now: Date())
            for row in rows {
                let attempt = AttemptID(job: row.id, number: 1)
                var epochs = try reader.epochs(of: AttemptID(job: row.id, number: row.settledAttempt ?? 1))
                if row.id == target.job { epochs[epochs.count - 1].validationLoss = recorded.nextUp }
                let result = AttemptResult(
                    attempt: attempt, outcome: .finished, epochs: epochs, artifacts: row.artifacts,
                    numericClass: numericClass ?? row.numericClass ?? "", seconds: row.seconds ?? 0)
                try copy.record([.attemptStarted(attempt, worker: "w"), .jobSettled(result)], now: Date())
            }
            try copy.close()
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: bench.ledger + suffix)
                try? FileManager.default.moveItem(atPath: path + suffix, toPath: bench.ledger + suffix)
            }
            return ("\(target.arm)/\(Study.name(of: target.pair))/\(target.replicate)", recorded, recorded.nextUp)
        }

        @Test func `two arms are compared by their predictions`() throws {
            let bench = try Self.finishedBench()
            struct Table: Decodable {
                struct Row: Decodable { var n: Int; var accuracy_a, accuracy_b, stuart_maxwell_p: Double }
                var rows: [Row]
                var missing: [[String: String]]
            }
            let ending = try bench.succeed(["compare", "clustered", "random", "--output-mode", "json"] + bench.inResults)
            let table = try JSONDecoder().decode(Table.self, from: Data(ending.output))
            // Ten classes of six images.
            #expect(table.rows.map(\.n) == [60] && table.missing.isEmpty && (0...1).contains(table.rows[0].stuart_maxwell_p))
            let means = try bench.succeed(["table", "--format", "csv", "--precision", "6", "--baseline", "none"] + bench.inResults).text
            #expect(means.contains("clustered,validation_accuracy,2,1,1,0,\(String(format: "%.6f", table.rows[0].accuracy_a))"), "\(means)")

            let unknown = try bench.sower(["compare", "clusterd", "random"] + bench.inResults)
            #expect(unknown.exitCode == 2 && unknown.standardError.contains("\"clustered\""))
            #expect(try bench.sower(["compare", "random", "random"] + bench.inResults).exitCode == 2)
            let objects = bench.results + "/tiny/artifacts/objects"
            let files = FileManager.default.enumerator(atPath: objects)?.compactMap { $0 as? String } ?? []
            let file = try #require(
                files.first { FileManager.default.contents(atPath: objects + "/" + $0)?.range(of: Data("predictions 1".utf8)) != nil })
            try FileManager.default.removeItem(atPath: objects + "/" + file)
            let incomplete = try bench.sower(["compare", "clustered", "random"] + bench.inResults)
            #expect(incomplete.exitCode == 1 && incomplete.text.contains("has left some, but they are not in"), "\(incomplete.text)")
        }

        @Test func `a study without predictions says how to get them`() throws {
            let bench = try Workbench()
            try bench.write(FaultTests.study, to: "tiny.yaml")
            try bench.succeed(["run", bench.studyFile, "--workers", "2", "--output-mode", "quiet"] + bench.inResults)
            let none = try bench.sower(["compare", "clustered", "random"] + bench.inResults)
            #expect(none.exitCode == 2 && none.remedy?.contains("--set evaluation.keep_predictions=true") == true)
        }

        @Test func `a sampled initialization leaves the study as a file that a study can start from`() throws {
            let bench = try Self.finishedBench()
            let file = bench.folder + "/init.safetensors"
            let export = try bench.succeed(["initialization", "export", "clustered/1", "-o", file] + bench.inResults)
            #expect(export.text.contains("the 17 layers of clustered/1"))
            let again = try bench.sower(["initialization", "export", "clustered/1", "-o", file] + bench.inResults)
            #expect(again.exitCode == 2 && again.standardError.contains("is there already"))
            let random = try bench.sower(["initialization", "export", "random/1", "-o", file + "2"] + bench.inResults)
            #expect(random.exitCode == 2 && random.standardError.contains("the arm random samples nothing"))
            let header = String(decoding: FileManager.default.contents(atPath: file)?.prefix(4000) ?? Data(), as: UTF8.self)
            for key in ["study_digest", "sample_seed", "codebook_job", "engine_version", "source_jobs"] {
                #expect(header.contains("\"\(key)\""))
            }
            let plan = try bench.succeed(["plan", bench.studyFile, "--from-state-dict", "mine=\(file)"] + bench.inResults)
            #expect(plan.text.contains("mine: starts from a state_dict file"), "\(plan.text)")
        }
    }
}
