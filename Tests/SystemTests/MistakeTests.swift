import Foundation
import Processes
import Testing

extension SystemTests {
    /// Each mistake: an exit code, one clear message, and what to do next.
    @Suite struct MistakeTests {
        @Test func `version and help end with 0, a wrong command line with 2`() throws {
            let bench = try Workbench()
            #expect(try bench.succeed(["--version"]).text.contains("engine-"))
            #expect(try bench.succeed(["--help"]).text.contains("Exit codes:"))
            #expect(try bench.succeed(["run", "--help"]).text.contains("--workers"))
            for (arguments, message) in [
                (["run", "demo", "--worker", "2"], "--worker"), (["run", "demo", "--workers=-1"], "expected 0 to 256"),
                (["run", "demo", "--workers", "0"], "nobody would do the work"), (["sow"], "sow"), (["run"], "<study>"),
                (["worker"], "--connect HOST:PORT"), (["worker", "--connect", "lab0"], "for example lab0:17610"),
            ] {
                let ending = try bench.sower(arguments, within: 10)
                #expect(ending.exitCode == 2, "\(arguments)")
                #expect(ending.standardError.contains(message), "\(arguments): \(ending.standardError)")
                #expect(ending.output.isEmpty)
            }
        }

        @Test func `a ledger of an earlier build is brought up to date by resume, as its readers say`() throws {
            let bench = try Workbench()
            let small = ["--set", "arms=[random]", "--set", "evaluation.pairs=1", "--set", "evaluation.replicates=1"]
            let first = try bench.succeed(["run", bench.studyFile, "--workers", "1"] + small + bench.inResults)
            // What version 2 has not.
            let sql = """
                DROP TRIGGER seals_go_with_their_result; DROP TABLE job_seals; DROP TABLE study_seals;
                CREATE INDEX running_attempts ON attempts (worker) WHERE state = 'running';
                DELETE FROM grdb_migrations WHERE identifier <> 'v2'; PRAGMA user_version = 2
                """
            guard try bench.query(sql, changes: true) != nil else { return }
            let refused = try bench.sower(["table", "tiny"] + bench.inResults)
            #expect(refused.exitCode != 0 && refused.output.isEmpty)
            #expect(refused.standardError.contains("schema version 2 of an earlier build"))
            #expect(refused.remedy?.contains("sower resume") == true)
            let resumed = try bench.succeed(["resume", "tiny", "--workers", "1"] + bench.inResults)
            #expect(resumed.text == first.text)
            #expect(try bench.succeed(["table", "tiny"] + bench.inResults).text == first.text)
        }

        @Test func `an unknown study lists what there is`() throws {
            let bench = try Workbench()
            let ending = try bench.sower(["run", "nosuch"] + bench.inResults)
            #expect(ending.exitCode == 2)
            #expect(ending.remedy == "Built-in studies: clustered, demo. Example: sower run demo")
            let resumed = try bench.sower(["resume", "nosuch"] + bench.inResults)
            #expect(resumed.exitCode == 2)
            #expect(!(resumed.remedy ?? "").contains("sower run nosuch"), "a remedy must work: \(resumed.standardError)")
            let none = try bench.sower(["status"] + bench.inResults)
            #expect(none.exitCode == 2)
            #expect(none.standardError.contains("there is no study in \(bench.results)"))
        }

        @Test func `a typing error in a study is named with file, line and suggestion`() throws {
            let bench = try Workbench()
            try bench.write(Workbench.study.replacingOccurrences(of: "replicates", with: "replicats"), to: "typo.yaml")
            let ending = try bench.sower(["run", bench.folder + "/typo.yaml"] + bench.inResults)
            #expect(ending.exitCode == 2)
            #expect(ending.standardError.contains("typo.yaml:8: unknown key \"replicats\" in evaluation — did you mean \"replicates\"?"))
            #expect(!FileManager.default.fileExists(atPath: bench.results))
        }

        @Test func `a state_dict that no network of the study can start from is refused before anything runs`() throws {
            let bench = try Workbench()
            func file(_ entries: String) throws -> [String] {
                let header = "{\(entries)}"
                var bytes = Data(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8))
                bytes.append(Data(count: 4))
                try bytes.write(to: URL(fileURLWithPath: bench.folder + "/start.safetensors"))
                return ["run", bench.studyFile, "--from-state-dict", "mine=\(bench.folder)/start.safetensors"] + bench.inResults
            }
            for (entries, message) in [
                (#""conv1.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, "has a tensor conv1.bias, which resnet18 does not"),
                (#""fc.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, "fc.bias has shape [1], expected [10]"),
                (#""fc.bias":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}"#, "fc.bias"),
            ] {
                let ending = try bench.sower(try file(entries))
                #expect(ending.exitCode == 2)
                #expect(
                    ending.standardError.contains("start.safetensors") && ending.standardError.contains(message), "\(ending.standardError)")
                #expect(ending.remedy != nil)
            }
            #expect(!FileManager.default.fileExists(atPath: bench.ledger))
        }

        @Test func `the engine's commands say which number is wrong`() throws {
            let bench = try Workbench()
            let step = [
                "engine", "step", "--model", "lenet", "--weights", bench.studyFile, "--batch", bench.studyFile, "-o", bench.folder + "/o",
            ]
            for (arguments, message) in [
                (step, "tiny.yaml"), (step + ["--steps", "0"], "--steps 0: expected 1 to 10000"),
                (["bench", "engine", "--batch", "8"], "need --model"), (["bench", "engine", "--model", "lenet9"], "lenet9"),
                (["run", bench.studyFile, "--threads", "0"], "--threads 0: expected 1 to 256"),
                (["run", bench.studyFile, "--checkpoint-every", "soon"], "soon"),
            ] {
                let ending = try bench.sower(arguments, within: 20)
                #expect(ending.exitCode == 2, "\(arguments)")
                #expect(ending.standardError.contains(message), "\(arguments): \(ending.standardError)")
            }
        }

        @Test func `missing, empty and damaged data is named before anything runs`() throws {
            let bench = try Workbench()
            let data = bench.folder + "/data"
            try bench.write(
                Workbench.study.replacingOccurrences(
                    of: "{format: synthetic, seed: 1, training_per_class: 12, test_per_class: 6}", with: "{format: cifar100, path: \(data)}"
                ),
                to: "folder.yaml")
            func expectMistake(_ message: String, remedy: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
                let ending = try bench.sower(["run", bench.folder + "/folder.yaml"] + bench.inResults)
                #expect(ending.exitCode == 2, sourceLocation: sourceLocation)
                #expect(ending.standardError.contains(message), "\(ending.standardError)", sourceLocation: sourceLocation)
                #expect(ending.remedy?.contains(remedy) == true, "\(ending.standardError)", sourceLocation: sourceLocation)
            }
            try expectMistake("There is no folder \(data)", remedy: "sower data synthesize --output \(data)")
            try bench.succeed(["data", "synthesize", "--output", data, "--training-per-class", "2", "--test-per-class", "1"])
            let file = URL(fileURLWithPath: data + "/train.bin")
            let whole = try Data(contentsOf: file)
            try Data().write(to: file)
            try expectMistake("train.bin has 0 bytes", remedy: "sower data check \(data)")
            var wrong = whole
            wrong[3074 * 5 + 1] = 200
            try wrong.write(to: file)
            try expectMistake("train.bin, byte 15371: the fine label is 200, expected 0 to 99", remedy: "sower data check \(data)")
            #expect(!FileManager.default.fileExists(atPath: bench.ledger))
        }

        @Test func `garbage instead of a ledger is named and left alone`() throws {
            let bench = try Workbench()
            try FileManager.default.createDirectory(atPath: bench.results + "/tiny", withIntermediateDirectories: true)
            for garbage in ["short", String(repeating: "This is no database. ", count: 1000)] {
                try bench.write(garbage, to: "results/tiny/ledger.sqlite")
                for command in [["run", bench.studyFile], ["resume", "tiny"], ["status"], ["table"]] {
                    let ending = try bench.sower(command + bench.inResults)
                    #expect(ending.exitCode == 2, "\(command)")
                    #expect(ending.standardError.contains("\(bench.ledger) is not a ledger of sower"), "\(ending.standardError)")
                    #expect(ending.remedy != nil)
                }
                #expect(FileManager.default.contents(atPath: bench.ledger) == Data(garbage.utf8))
            }
        }

        @Test func `a truncated artifact is found on resume, and the printed remedy mends it`() throws {
            let bench = try Workbench()
            // Without its clustering worker the sweep comes to the end of pre-training, and no further.
            let run = try bench.start(["run", bench.studyFile, "--workers", "2"] + bench.inResults)
            try bench.wait("the central worker is there", for: run) {
                let central = bench.processes("worker").filter { $0.arguments.contains("--central") }
                central.forEach { kill($0.id, SIGSTOP) }
                return !central.isEmpty
            }
            try bench.wait("pre-training is over", for: run) { try bench.status()?.stage("pretrain")?.finished == 4 }
            run.signalGroup(SIGINT)
            #expect(try run.finish(within: 10).exitCode == 130)
            let finished = try #require(try bench.status()?.finished)

            let artifact = try #require(try artifacts(of: bench).first)
            let whole = try Data(contentsOf: artifact)
            #expect(chmod(artifact.path, 0o644) == 0)
            #expect(truncate(artifact.path, 1000) == 0)
            let refused = try bench.sower(["resume", "tiny"] + bench.inResults)
            #expect(refused.exitCode == 2)
            #expect(
                refused.standardError.contains("\(artifact.path), has 1000 bytes, expected \(whole.count) bytes"),
                "\(refused.standardError)")
            #expect(try bench.status()?.finished == finished, "nothing is lost")

            let commands = try #require(refused.remedy).components(separatedBy: "sower ").dropFirst().map {
                $0.replacingOccurrences(of: ". Then: ", with: "").split(separator: " ").map(String.init)
            }
            #expect(commands.map { $0.first } == ["job", "resume"], "\(refused.remedy ?? "")")
            for command in commands { try bench.succeed(command) }
            #expect(try Data(contentsOf: artifact) == whole, "the same bits")
            #expect(try bench.everyDigit() == Undisturbed.everyDigit())
        }

        private func artifacts(of bench: Workbench) throws -> [URL] {
            let folder = URL(fileURLWithPath: bench.results + "/tiny/artifacts/objects")
            let walker = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
            return (walker?.compactMap { $0 as? URL } ?? []).filter { !$0.hasDirectoryPath }.sorted { $0.path < $1.path }
        }
    }
}
