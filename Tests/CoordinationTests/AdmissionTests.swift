import Coordination
import Digests
import Testing

@Suite struct AdmissionTests {
    private let admission = Admission(program: "1.0, engine 2", dataset: Digest(of: "data"), numericClass: nil)

    private func hello(
        _ name: String = "w1", program: String = "1.0, engine 2", dataset: String? = nil, numericClass: String = "engine-2/fma",
        isCentral: Bool = false, freeBytes: UInt64 = 1 << 40, clock: Double = 1000
    ) -> Hello {
        Hello(
            worker: name, host: "lab1", processID: 1, slots: 1, isCentral: isCentral, numericClass: numericClass, attempts: [],
            facts: HostFacts(program: program, dataset: dataset.map { Digest(of: $0) }, freeBytes: freeBytes, clock: clock))
    }

    @Test func `the same program with the same data, or none of its own, is taken`() {
        #expect(admission.refusal(of: hello()) == nil)
        #expect(admission.refusal(of: hello(dataset: "data")) == nil)
        #expect(admission.refusal(of: hello(numericClass: "engine-2/openblas-ZEN")) == nil)
    }

    @Test func `another program is refused with both versions and the remedy`() {
        let text = admission.refusal(of: hello(program: "1.1, engine 3"))
        #expect(
            text?.contains("1.1, engine 3") == true && text?.contains("1.0, engine 2") == true
                && text?.contains("build the same version") == true)
        #expect(admission.refusal(of: hello(program: ""))?.contains("unknown version") == true)
    }

    @Test func `another data set is refused with both digests and the remedy`() {
        let text = admission.refusal(of: hello(dataset: "other"))
        #expect(text?.contains(Digest(of: "other").hex) == true && text?.contains("expected \(Digest(of: "data").hex)") == true)
        #expect(text?.contains("--data push") == true)
        #expect(admission.refusal(of: hello(dataset: "other", isCentral: true)) == nil, "a central worker reads no data set")
        #expect(Admission(program: "1.0, engine 2").refusal(of: hello(dataset: "other")) == nil, "a sweep without data asks for none")
    }

    @Test func `a pinned study takes one numeric class and names both`() {
        let pinned = Admission(program: "1.0, engine 2", numericClass: "engine-2/fma")
        #expect(pinned.refusal(of: hello()) == nil)
        for isCentral in [false, true] {
            let text = pinned.refusal(of: hello(numericClass: "engine-2/openblas-ZEN", isCentral: isCentral))
            #expect(
                text?.contains("engine-2/openblas-ZEN") == true && text?.contains("engine-2/fma") == true && text?.contains("AVX2") == true)
        }
    }

    // MARK: Notes

    private func kinds(_ changes: [LedgerChange]) -> [String] {
        changes.compactMap { if case .event(let kind, _) = $0 { kind } else { nil } }
    }

    @Test func `little disk is noted once a worker, and refuses nobody`() {
        var admission = admission
        let poor = hello(freeBytes: Limits.lowDiskBytes - 1)
        #expect(admission.refusal(of: poor) == nil)
        #expect(kinds(admission.notes(on: poor, clock: 1000, at: Instant(seconds: 0))) == ["disk-low"])
        #expect(admission.notes(on: hello(freeBytes: 1, clock: 1010), clock: 1010, at: Instant(seconds: 10)).isEmpty)
        #expect(kinds(admission.notes(on: hello("w2", freeBytes: 5), clock: 1000, at: Instant(seconds: 0))) == ["disk-low"])
        #expect(admission.notes(on: hello("w3", freeBytes: Limits.lowDiskBytes), clock: 1000, at: Instant(seconds: 0)).isEmpty)
    }

    @Test func `a clock that is ahead is noted at once, one that is behind by the second greeting, each once`() {
        var admission = admission
        func notes(_ name: String, _ worker: Double, _ coordinator: Double, at seconds: Double) -> [LedgerChange] {
            admission.notes(on: hello(name, clock: worker), clock: coordinator, at: Instant(seconds: seconds))
        }
        #expect(kinds(notes("ahead", 1006, 1000, at: 0)) == ["clock-skew"])
        #expect(notes("ahead", 1016, 1010, at: 10).isEmpty)
        #expect(notes("behind", 990, 1000, at: 0).isEmpty)
        let behind = notes("behind", 1000, 1010, at: 10)
        #expect(kinds(behind) == ["clock-skew"])
        guard case .event(_, let text) = behind.first else { return }
        #expect(text.contains("lab1") && text.contains("10 s behind") && text.contains("chronyc"))
        #expect(notes("right", 1004, 1000, at: 0).isEmpty && notes("right", 1006, 1010, at: 10).isEmpty)
    }

    @Test func `greetings that were long under way are no clock that is behind`() {
        var admission = admission
        // A coordinator that was away hears a minute's greetings at once, then one that is fresh.
        for second in stride(from: 0.0, to: 60, by: 2) {
            #expect(admission.notes(on: hello(clock: 940 + second), clock: 1000, at: Instant(seconds: 0)).isEmpty)
        }
        #expect(admission.notes(on: hello(clock: 1010), clock: 1010, at: Instant(seconds: 10)).isEmpty)
    }
}

@Suite struct PushedDataTests {
    private let start = Instant(seconds: 0)
    private let notice = DatasetNotice(digest: Digest(of: "set"), files: [artifact("train.bin"), artifact("test.bin")])

    private func welcome(_ notice: DatasetNotice?) -> WorkerSession.Event {
        .received(.welcome(Welcome(datasetPath: "/theirs", drop: [], dataset: notice)))
    }

    private func run(at path: String) -> WorkerSession.Command {
        .start(slot: 0, attempt("a"), WorkerSession.RunnerStart(spec: Array("a".utf8), datasetPath: path, inputs: []))
    }

    private func waitingSession() -> WorkerSession {
        var session = WorkerSession(hello: hello(slots: 1), now: start, source: .push)
        #expect(session.handle(welcome(notice), at: start) == [.place(notice)])
        #expect(session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: start) == [])
        return session
    }

    @Test func `a data set that is here is used, and asked for no more`() {
        var session = waitingSession()
        #expect(session.handle(.dataPlaced(path: "/here"), at: start) == [run(at: "/here")])
        #expect(session.handle(welcome(notice), at: start + 10) == [])
    }

    @Test func `one that is not here is fetched and then placed, and nothing starts before`() {
        var session = waitingSession()
        #expect(session.handle(.dataMissing, at: start) == [.fetch(artifact("train.bin")), .fetch(artifact("test.bin"))])
        #expect(session.handle(welcome(notice), at: start + 10) == [], "what is under way is not begun again")
        #expect(session.handle(.fetched(Digest(of: "test.bin")), at: start + 11) == [])
        #expect(session.handle(.fetched(Digest(of: "train.bin")), at: start + 12) == [.place(notice)])
        #expect(session.handle(.dataPlaced(path: "/here"), at: start + 12) == [run(at: "/here")])
    }

    @Test func `a fetch that fails is begun again by the next welcome`() {
        var session = waitingSession()
        _ = session.handle(.dataMissing, at: start)
        #expect(session.handle(.fetchFailed(Digest(of: "train.bin"), reason: "absent"), at: start + 1) == [])
        #expect(session.handle(welcome(notice), at: start + 10) == [.place(notice)])
    }

    @Test func `another coordinator's data set takes the place of the first`() {
        var session = waitingSession()
        _ = session.handle(.dataPlaced(path: "/here"), at: start)
        let other = DatasetNotice(digest: Digest(of: "other"), files: [artifact("x.bin")])
        #expect(session.handle(welcome(other), at: start + 10) == [.place(other)])
        #expect(session.handle(.received(.assign(assignment(attempt("b"), "b"))), at: start + 10) == [])
    }

    @Test func `a coordinator that has nothing to send is a refusal in words`() {
        var session = WorkerSession(hello: hello(slots: 1), now: start, source: .push)
        guard case .end(.refused(let reason)) = session.handle(welcome(nil), at: start).first else {
            Issue.record("it goes on")
            return
        }
        #expect(reason.contains("--data PATH"))
    }

    @Test func `a worker from elsewhere looks at the coordinator's path before it believes in it, and is sent what is not there`() {
        func waiting() -> WorkerSession {
            var session = WorkerSession(hello: hello(slots: 1), now: start, source: .coordinatorsPath)
            #expect(session.handle(welcome(notice), at: start) == [.look(notice, at: "/theirs")])
            #expect(session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: start) == [], "nothing starts before")
            return session
        }
        var there = waiting()
        #expect(there.handle(.dataPlaced(path: "/theirs"), at: start) == [run(at: "/theirs")])
        #expect(there.handle(welcome(notice), at: start + 10) == [])
        var absent = waiting()
        #expect(absent.handle(.dataMissing, at: start) == [.fetch(artifact("train.bin")), .fetch(artifact("test.bin"))])
        for file in notice.files.dropLast() { #expect(absent.handle(.fetched(file.digest), at: start + 1) == []) }
        #expect(absent.handle(.fetched(Digest(of: "test.bin")), at: start + 1) == [.place(notice)])
        #expect(absent.handle(.dataPlaced(path: "/here"), at: start + 1) == [run(at: "/here")])
        // On the coordinator's own host there is nothing to look at.
        var local = WorkerSession(hello: hello(slots: 1), now: start, source: .coordinatorsPath)
        #expect(local.handle(welcome(nil), at: start) == [])
        #expect(local.handle(.received(.assign(assignment(attempt("a"), "a"))), at: start) == [run(at: "/theirs")])
    }

    @Test func `a folder of its own is used whatever the coordinator names`() {
        var session = WorkerSession(hello: hello(slots: 1), now: start, source: .folder("/mine"))
        _ = session.handle(welcome(nil), at: start)
        #expect(session.handle(.received(.assign(assignment(attempt("a"), "a"))), at: start) == [run(at: "/mine")])
    }

    @Test func `no name of a file from the network leads out of its folder`() {
        let digest = Digest(of: "set").hex
        for name in [
            "\(digest)/..", "\(digest)/", "\(digest)/a/b", "\(digest.uppercased())/a", "../\(digest)/a", "/\(digest)/a",
            "\(digest.dropLast())/a", "\(digest)//a",
        ] { #expect(!DatasetNotice.isFileName(name), "\(name)") }
        #expect(DatasetNotice.isFileName("\(digest)/train.bin"), "a study with several data sets has a folder for each")
        for name in ["", ".", "..", ".hidden", "../x", "a/b", "/x", "-rf", "a b", "a\0", "ä", String(repeating: "a", count: 129)] {
            #expect(!DatasetNotice.isFileName(name), "\(name)")
            let frame = CoordinatorMessage.welcome(
                Welcome(datasetPath: "/", drop: [], dataset: DatasetNotice(digest: Digest(of: "d"), files: [artifact(name)]))
            ).frame
            #expect(throws: WireError.self) { try CoordinatorMessage(frame: frame) }
        }
        for name in ["train.bin", "coarse_label_names.txt", "t10k-images-idx3-ubyte.gz"] { #expect(DatasetNotice.isFileName(name)) }
        let twice = DatasetNotice(digest: Digest(of: "d"), files: [artifact("x"), artifact("x")])
        #expect(throws: WireError.self) {
            try CoordinatorMessage(frame: CoordinatorMessage.welcome(Welcome(datasetPath: "/", drop: [], dataset: twice)).frame)
        }
    }
}
