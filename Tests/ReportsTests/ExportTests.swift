import Foundation
import Reports
import Studies
import Testing

/// Files for other programs, byte for byte.
@Suite struct ExportTests {
    private static let clustered = ArmMethod.clustered(Clustering(distance: .fourierReal, models: 4, clusters: 2, layers: 17))
    private static let arms = [Arm(name: "k2", method: clustered), Arm(name: "kept", method: .pretrained(head: .keep))]

    private static func epoch(_ number: Int, loss: Double, accuracy: Double) -> EpochMetrics {
        EpochMetrics(
            epoch: number, learningRate: 0.0004, trainingLoss: loss, trainingAccuracy: 50, trainingTop5Accuracy: 90, validationLoss: 1e-5,
            validationAccuracy: accuracy, validationTop5Accuracy: 95, images: 10, seconds: 1)
    }

    private static let finished = MeasuredCell(
        stage: "evaluate", arm: "k2", pair: [10, 14], replicate: 2, state: "FINISHED", reason: nil, job: "ab12", attempt: 3, worker: "w-1",
        host: "lab1", numericClass: "engine-2/fma", seconds: 12.5,
        epochs: [epoch(1, loss: 2.0 / 3, accuracy: 0.1 + 0.2), epoch(2, loss: .nan, accuracy: 63)])
    private static let failed = MeasuredCell(
        stage: "evaluate", arm: "kept", pair: [10, 14], replicate: 1, state: "FAILED", reason: "OUT_OF_MEMORY", job: "cd34", attempt: nil,
        worker: nil, host: "a,b\"\u{1B}[31m", numericClass: nil, seconds: nil, epochs: [])

    private func text(_ format: MetricValues.Format, _ cells: [MeasuredCell], _ metrics: [TableMetric]) -> String {
        let info = TableInfo(
            study: "demo", studyDigest: "", profile: .paper, evaluationProtocol: .chained, deviations: ["scale: 2", "data: 3"],
            arms: Self.arms.map(\.name), pairs: [[10, 14]], replicates: 2, epochs: 2)
        let rows = MetricValues(format, of: info, arms: Self.arms, metrics: metrics)
        var bytes: [UInt8] = []
        for cell in cells { rows.append(cell, to: &bytes) }
        return rows.head + String(decoding: bytes, as: UTF8.self)
    }

    @Test func `the long form in CSV: a row a value, one for a cell without any`() {
        #expect(
            text(.csv, [Self.finished, Self.failed], [.validationAccuracy, .trainingLoss]) == #"""
                study,stage,arm,method,distance,models,clusters,layers,head,matching,network,pair,replicate,state,reason,job,attempt,worker,host,numeric_class,seconds,epoch,metric,value,protocol,profile,deviations
                demo,evaluate,k2,clustered,fourier-real,4,2,17,,,resnet18,10-14,2,FINISHED,,ab12,3,w-1,lab1,engine-2/fma,12.5,1,validation_accuracy,0.30000000000000004,chained,paper,2
                demo,evaluate,k2,clustered,fourier-real,4,2,17,,,resnet18,10-14,2,FINISHED,,ab12,3,w-1,lab1,engine-2/fma,12.5,1,training_loss,0.6666666666666666,chained,paper,2
                demo,evaluate,k2,clustered,fourier-real,4,2,17,,,resnet18,10-14,2,FINISHED,,ab12,3,w-1,lab1,engine-2/fma,12.5,2,validation_accuracy,63.0,chained,paper,2
                demo,evaluate,k2,clustered,fourier-real,4,2,17,,,resnet18,10-14,2,FINISHED,,ab12,3,w-1,lab1,engine-2/fma,12.5,2,training_loss,nan,chained,paper,2
                demo,evaluate,kept,pretrained,,,,,keep,,resnet18,10-14,1,FAILED,OUT_OF_MEMORY,cd34,,,"a,b""?[31m",,,,,,chained,paper,2

                """#)
    }

    @Test func `the long form in JSON lines, each a value of its own`() throws {
        let lines = text(.jsonl, [Self.finished, Self.failed], [.validationLoss, .trainingLoss]).split(separator: "\n")
        #expect(lines.count == 5)
        #expect(
            lines[0] == """
                {"study":"demo","stage":"evaluate","arm":"k2","method":"clustered","distance":"fourier-real","models":4,"clusters":2,\
                "layers":17,"head":null,"matching":null,"network":"resnet18","pair":"10-14","replicate":2,"state":"FINISHED","reason":null,"job":"ab12","attempt":3,\
                "worker":"w-1","host":"lab1","numeric_class":"engine-2/fma","seconds":12.5,"epoch":1,"metric":"validation_loss","value":1e-05,\
                "protocol":"chained","profile":"paper","deviations":2}
                """)
        for line in lines {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(Set(object.keys) == Set(MetricValues.columns))
        }
        #expect(lines[3].contains("\"metric\":\"training_loss\",\"value\":null,"), "JSON has no NaN")
        #expect(lines[4].contains("\"state\":\"FAILED\"") && lines[4].contains("\"epoch\":null,\"metric\":null,\"value\":null,"))
    }

    @Test(arguments: [0.1, 1.0 / 3, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -0.0, 1e16, 123456789.125, .infinity, -.infinity])
    func `a number reads back as itself`(value: Double) throws {
        var cell = Self.finished
        cell.epochs = [Self.epoch(1, loss: value, accuracy: 1)]
        let field = try #require(text(.csv, [cell], [.trainingLoss]).split(separator: "\n").last?.split(separator: ",").dropLast(3).last)
        #expect(Double(field) == value)
    }

    @Test func `pre-training has an arm without settings`() {
        var cell = Self.finished
        cell.arm = StudyLimits.reservedArmName
        #expect(text(.csv, [cell], [.trainingLoss]).contains("\ndemo,evaluate,pretraining,,,,,,,,,10-14,2,FINISHED"))
    }

    @Test func `every method has its settings`() {
        let file = StateDictStart(path: "/x", head: .fresh)
        let aligned = ArmMethod.aligned(Alignment(models: 6, layers: 2, matching: .optimal))
        let methods = [ArmMethod.random, .pretrained(head: .keep), .gabor(layers: 6), Self.clustered, .stateDict(file), aligned]
        var settings = methods.map { ArmSettings(Arm(name: "an arm", method: $0), network: "resnet18") }
        #expect(settings.map(\.method) == ["random", "pretrained", "gabor", "clustered", "state-dict", "aligned"])
        #expect(settings.map(\.layers) == [nil, nil, 6, 17, nil, 2] && settings.map(\.head) == [nil, "keep", nil, nil, "fresh", nil])
        #expect(settings[3].distance == "fourier-real" && settings[3].models == 4 && settings[3].clusters == 2)
        #expect(settings[5].matching == "optimal" && settings[5].models == 6 && settings.allSatisfy { $0.network == "resnet18" })
        let own = ModelSpec(architecture: "custom-resnet18", classes: 10)
        settings = [ArmSettings(Arm(name: "an arm", method: .random, model: own), network: "resnet18")]
        #expect(settings[0].network == "custom-resnet18")
    }

    @Test func `a job log as GNU parallel writes it`() {
        // The example in parallel's manual (option --joblog) is: 1 : 1376577364.974 16.733 0 1 0 0 traceroute mit.edu
        #expect(JobLogEntry.head == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n")
        let entry = JobLogEntry(
            sequence: 1, host: "lab1", startedAt: 1_376_577_364_974, endedAt: 1_376_577_381_707, sent: 0, received: 1, succeeded: true,
            command: "traceroute mit.edu")
        #expect(entry.line == "1\tlab1\t1376577364.974\t    16.733\t0\t1\t0\t0\ttraceroute mit.edu\n")
        var odd = entry
        (odd.host, odd.succeeded, odd.command, odd.endedAt) = ("my lab\n", false, "a\tb\nc", odd.startedAt + 5)
        #expect(odd.line == "1\tmy_lab?\t1376577364.974\t     0.005\t0\t1\t1\t0\ta b c\n")
        odd.host = ""
        #expect(odd.line.hasPrefix("1\t:\t"), "parallel's own name for this host")
    }

    @Test func `a provenance says what is missing, and is the same again`() throws {
        let recipe = Profile.paper.evaluationRecipe
        let study = Study(
            name: "demo", data: .cifar100(path: "/data"), model: ModelSpec(architecture: "resnet18", classes: 10), profile: .paper,
            evaluationProtocol: .independent, seed: 1, pretraining: Pretraining(superclasses: Array(0...9), pairs: 45, recipe: recipe),
            evaluation: Evaluation(superclasses: Array(10...19), pairs: 10, replicates: 5, recipe: recipe), arms: Self.arms,
            deviations: ["x"])
        func provenance() -> Provenance {
            Provenance(
                file: "values.csv", bytes: 5, sha256: "00",
                contents: ExportContents(kind: .values, format: "csv", stages: [.evaluate], metrics: [.trainingLoss]),
                definition: study, programVersion: "0.1.0", engineVersion: "2", progressDigest: "11",
                hosts: [.init(host: "b", numericClass: "y", results: 1), .init(host: "c", numericClass: "x", results: 2)],
                cellsExpected: 100,
                missing: [.init(stage: "evaluate", arm: "k2", pair: "10-14", replicate: 1, state: "FAILED", reason: "CRASHED")])
        }
        let text = provenance().text
        #expect(text == provenance().text)
        #expect(!text.contains("/data"), "where the data lay is nobody else's business")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["study_digest"] as? String == "\(study.digest)")
        #expect(object["numeric_classes"] as? [String] == ["x", "y"])
        #expect(object["cells_expected"] as? Int == 100 && object["cells_with_value"] as? Int == 99)
        #expect((object["missing"] as? [[String: Any]])?.first?["reason"] as? String == "CRASHED")
        #expect((object["definition"] as? [String: Any])?["name"] as? String == "demo")
        #expect(try JSONDecoder().decode(Provenance.self, from: Data(text.utf8)) == provenance())
    }
}
