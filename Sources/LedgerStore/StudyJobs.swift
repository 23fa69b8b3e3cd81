import Digests
import GRDB

/// Jobs by their numbers in the ledger, each as it was sealed.
struct StudyJobs: Sendable {
    struct Job: Sendable {
        var digest: Digest
        var state: SealedJob.State
    }

    private let numbers: JobNumbers
    private var jobs: [Job]

    /// Reads the jobs with these numbers, and calls `visit` for each with its place among them: in their order within a part of them, and
    /// for several parts at a time.
    init(
        _ numbers: JobNumbers, epochs: LedgerReader.EpochSelection, path: String, _ connections: [SQLiteConnection],
        visit: (Int, SealedJob, inout ResultReader) throws -> Void
    ) throws {
        self.numbers = numbers
        jobs = Array(repeating: Job(digest: Digest(of: ""), state: .open), count: numbers.count)
        // More parts than threads: one may be held up.
        let partCount = max(256, (numbers.count + 15) / 16)
        try jobs.withUnsafeMutableBufferPointer { jobs in
            _ = try spread((numbers.count + partCount - 1) / partCount, over: connections) { part, connection in
                let places = part * partCount..<min((part + 1) * partCount, numbers.count)
                let rows = try RawStatement(Queries.sealedJobs, connection)
                var results = try ResultReader(epochs: epochs, path: path, connection)
                var place = places.lowerBound
                rows.start(numbers[place], numbers[places.upperBound - 1])
                while place < places.upperBound, try rows.step() {
                    let number = rows.integer(0)
                    // Another study's, or a gap.
                    if number < numbers[place] { continue }
                    guard number == numbers[place] else { break }
                    let job = try SealedJob(rows.handle, from: 1, path: path)
                    jobs[place] = Job(digest: job.digest, state: job.state)
                    try visit(place, job, &results)
                    place += 1
                }
                guard place == places.upperBound else { throw Seals.damagedGrid(path) }
            }
        }
    }

    subscript(_ number: Int64) -> Job { jobs[numbers.place(of: number)] }
}

/// Different numbers of jobs, ascending.
struct JobNumbers: Sendable {
    private let sorted: [Int64]

    init(_ first: [Int64], _ second: [Int64]) {
        var sorted = Self.ascending(first)
        // Nearly always a cell's job is among the study's.
        let others = second.filter { Self.place(of: $0, in: sorted) == nil }
        if !others.isEmpty { sorted = Self.ascending(sorted + others) }
        self.sorted = sorted
    }

    private static func ascending(_ numbers: [Int64]) -> [Int64] {
        var ascending = numbers
        if !zip(numbers, numbers.dropFirst()).allSatisfy(<) {
            ascending.sort()
            var last: Int64?
            ascending.removeAll { number in
                defer { last = number }
                return number == last
            }
        }
        return ascending
    }

    var count: Int { sorted.count }

    subscript(_ place: Int) -> Int64 { sorted[place] }

    func place(of number: Int64) -> Int { Self.place(of: number, in: sorted)! }

    private static func place(of number: Int64, in sorted: [Int64]) -> Int? {
        guard let first = sorted.first else { return nil }
        // A study alone in its ledger has them without gaps.
        let guess = number &- first
        if guess >= 0, guess < sorted.count, sorted[Int(guess)] == number { return Int(guess) }
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == number ? low : nil
    }
}
