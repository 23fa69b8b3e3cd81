import Foundation
import Testing

extension HostSystemTests {
    /// What the doctor says of a cluster's hosts, with a program in place of ssh.
    @Suite struct DoctorTests {
        @Test func `the doctor has a verdict on every host`() throws {
            let lab = try Lab()
            try lab.write(hosts: [
                "{host: lab1, slots: 1, data: /nowhere, ssh: {user: alice, port: 2222}}", "{host: lab2, slots: 1}",
                "{host: down, slots: 1}",
            ])
            let ending = try lab.start(["doctor", "--cluster", lab.file, "--output-mode", "json"] + lab.bench.inResults).finish(within: 120)
            #expect(ending.exitCode == 3, "\(ending.standardError)")
            let hosts = try JSONDecoder().decode(Checkup.self, from: Data(ending.output)).hosts
            #expect(hosts.map(\.host) == ["localhost", "lab1", "lab2", "down"])
            #expect(hosts.map(\.ok) == [true, false, true, false], "\(ending.text)")
            #expect(
                hosts[1].problems.contains { $0.check == "data" && $0.message.contains("/nowhere") && $0.remedy.contains("data: push") })
            #expect(hosts[1].problems.contains { $0.remedy.hasPrefix("rsync -a -e 'ssh -p 2222' FOLDER/ alice@lab1:/nowhere/ ") })
            let cpu = try #require(hosts[0].summary.split(separator: ", ").first { $0.contains(" family ") })
            #expect(hosts[2].summary.contains(cpu), "\(hosts[2].summary)")
            #expect(hosts[3].problems.map(\.check) == ["ssh"])
            #expect(hosts[3].problems[0].message.contains("Connection refused") && hosts[3].problems[0].remedy.contains("nc -z down 22"))
        }

        @Test func `the doctor looks for what a study asks of its hosts`() throws {
            let lab = try Lab()
            func look(_ study: [String], hosts: [String]?) throws -> (code: Int32?, checkup: Checkup) {
                if let hosts { try lab.write(hosts: hosts) }
                let cluster = hosts == nil ? [] : ["--cluster", lab.file]
                let ending = try lab.start(["doctor"] + study + cluster + ["--output-mode", "json"] + lab.bench.inResults).finish(
                    within: 120)
                return (ending.exitCode, try JSONDecoder().decode(Checkup.self, from: Data(ending.output)))
            }
            let file = lab.bench.studyFile
            var (code, checkup) = try look(
                [file, "--set", "data.seed=2"], hosts: ["localhost", "lab1", "{host: lab2, data: push}", "{host: lab3, data: fetch}"])
            var study = try #require(checkup.study)
            #expect(code == 2 && study.ok && study.host == "tiny" && study.summary.contains("synthetic-seed2-12-6 (digest "), "\(study)")
            #expect(checkup.hosts.map(\.ok) == [true, true, true, false])
            #expect(
                checkup.hosts[0].notes.contains {
                    $0.hasPrefix("data: found at this study's path, ") && $0.hasSuffix("/data/synthetic-seed2-12-6")
                })
            #expect(checkup.hosts[1].notes == checkup.hosts[0].notes, "the hosts of this test share a disk")
            // 100 classes, 12 and 6 images each of 3074 bytes.
            #expect(checkup.hosts[2].notes == ["data: will be sent, 5.5 MB in 4 files"])
            #expect(checkup.hosts[3].problems.contains { $0.check == "data" && $0.remedy.contains("data: push") })

            // Other data in the host's folder.
            let other = lab.bench.results + "/data/synthetic-seed2-12-6"
            (code, checkup) = try look([file], hosts: ["localhost", "{host: lab1, data: \(other)}"])
            #expect(code == 2 && !checkup.hosts[1].ok)
            #expect(
                checkup.hosts[1].problems.contains {
                    $0.check == "data" && $0.message.contains("expected") && $0.remedy.hasPrefix("rsync -a FOLDER/ lab1:")
                })

            // What only some hosts may do.
            try lab.bench.write("name=$1\n", to: "train.sh")
            try lab.bench.write(
                Workbench.study.replacing(
                    "arms:\n",
                    with: "needs: {class: zen4}\ntrainer: {command: [no-such-interpreter, \(lab.bench.folder)/train.sh]}\narms:\n"),
                to: "needs.yaml")
            let needs = lab.bench.folder + "/needs.yaml"
            (code, checkup) = try look([needs], hosts: ["localhost", "{host: lab1, labels: {class: zen4}}"])
            study = try #require(checkup.study)
            #expect(code == 2 && !study.ok && checkup.hosts.allSatisfy(\.ok))
            #expect(
                study.problems.map(\.check) == ["needs"]
                    && study.problems[0].remedy.hasSuffix("labels: {class: zen4}, allow_commands: true"), "\(study)")
            (code, checkup) = try look([needs], hosts: ["localhost", "{host: lab1, labels: {class: zen4}, allow_commands: true}"])
            #expect(
                code == 2
                    && checkup.hosts[1].problems.contains {
                        $0.check == "trainer" && $0.message.contains("no-such-interpreter") && $0.remedy.contains("ssh lab1 command -v")
                    })
            #expect(checkup.study?.problems[0].message.contains("lab1 could, and cannot work") == true, "\(checkup)")
            (code, checkup) = try look(
                [needs, "--set", "trainer={command: [sh, \(lab.bench.folder)/train.sh]}"],
                hosts: ["localhost", "{host: lab1, labels: {class: zen4}, allow_commands: true}"])
            #expect(code == 0 && checkup.hosts[1].notes.contains { $0.hasSuffix("can run, by sh") }, "\(checkup)")

            // A study that is none, and one without data; the hosts are looked at all the same.
            (code, checkup) = try look([file, "--set", "evaluation.pairs=0"], hosts: ["localhost", "lab1"])
            #expect(
                code == 2 && checkup.study?.problems.map(\.check) == ["study"] && checkup.hosts.count == 2 && checkup.hosts.allSatisfy(\.ok)
            )
            (code, checkup) = try look([file, "--set", "data={format: cifar100, path: /nowhere}"], hosts: nil)
            #expect(
                code == 2 && checkup.study?.problems.map(\.check) == ["data"]
                    && checkup.study?.problems[0].message.contains("/nowhere") == true)
        }
    }
}

/// What the doctor says.
private struct Checkup: Decodable {
    struct Verdict: Decodable {
        struct Problem: Decodable { var check, message, remedy: String }
        var host, summary: String
        var ok: Bool
        var notes: [String]
        var problems: [Problem]
    }
    var study: Verdict?
    var hosts: [Verdict]
}
