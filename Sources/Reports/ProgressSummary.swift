import Studies

/// How many jobs of a stage are in each state.
package struct StageCounts: Sendable, Equatable {
    package var stage: Stage
    package var waiting: Int
    package var running: Int
    package var finished: Int
    package var failed: Int

    package init(stage: Stage, waiting: Int = 0, running: Int = 0, finished: Int = 0, failed: Int = 0) {
        self.stage = stage
        self.waiting = waiting
        self.running = running
        self.finished = finished
        self.failed = failed
    }

    package var total: Int { waiting + running + finished + failed }
}

/// How far a sweep has come, as a value: counts, speed and the time it may still take.
package struct ProgressSummary: Sendable, Equatable {
    package var stages: [StageCounts]
    /// Training images seen since the sweep was started or resumed.
    package var imagesDone: Int
    /// Training images the unfinished jobs still need.
    package var imagesRemaining: Int
    /// Seconds since the sweep was started or resumed.
    package var elapsedSeconds: Double

    package init(stages: [StageCounts], imagesDone: Int, imagesRemaining: Int, elapsedSeconds: Double) {
        self.stages = stages.sorted { $0.stage < $1.stage }
        self.imagesDone = imagesDone
        self.imagesRemaining = imagesRemaining
        self.elapsedSeconds = elapsedSeconds
    }

    /// Training images a second; `nil` until something was measured.
    package var imagesPerSecond: Double? {
        imagesDone > 0 && elapsedSeconds > 0 ? Double(imagesDone) / elapsedSeconds : nil
    }

    /// Seconds the rest takes at the speed so far; 0 when nothing is left, `nil` while the speed is unknown.
    ///
    /// Clustering and sampling are not in it: they are seconds among minutes.
    package var remainingSeconds: Double? {
        if imagesRemaining <= 0 { return 0 }
        return imagesPerSecond.map { Double(imagesRemaining) / $0 }
    }

    /// The summary for a terminal: a line a stage, then one with speed and time.
    package var lines: [String] {
        let names = stages.map(\.stage.rawValue)
        let width = names.map(\.count).max() ?? 0
        var lines = stages.map { counts in
            let name = counts.stage.rawValue + String(repeating: " ", count: width - counts.stage.rawValue.count)
            let others = [(counts.running, "running"), (counts.waiting, "waiting"), (counts.failed, "failed")]
                .filter { $0.0 > 0 }.map { ", \($0.0) \($0.1)" }.joined()
            return "\(name)  \(counts.finished) of \(counts.total) finished\(others)"
        }
        let speed = imagesPerSecond.map { "\(FixedPoint.text($0, digits: 0)) images/s" } ?? "speed not known yet"
        let remaining = remainingSeconds.map { $0 == 0 ? "nothing left to train" : "about \(ProgressSummary.duration($0)) left" }
        lines.append(
            [speed, "\(ProgressSummary.duration(elapsedSeconds)) elapsed", remaining].compactMap(\.self).joined(separator: ", "))
        return lines
    }

    /// The summary as one JSON object on one line; durations in seconds.
    package var json: String {
        func number(_ value: Double?, digits: Int) -> String { value.map { FixedPoint.text($0, digits: digits) } ?? "null" }
        let stageObjects = stages.map {
            JSONText.object([
                ("stage", JSONText.string($0.stage.rawValue)), ("waiting", "\($0.waiting)"), ("running", "\($0.running)"),
                ("finished", "\($0.finished)"), ("failed", "\($0.failed)"), ("total", "\($0.total)"),
            ])
        }
        return JSONText.object([
            ("version", "1"), ("kind", JSONText.string("progress")), ("stages", "[" + stageObjects.joined(separator: ",") + "]"),
            ("images_done", "\(imagesDone)"), ("images_remaining", "\(imagesRemaining)"),
            ("images_per_second", number(imagesPerSecond, digits: 1)), ("elapsed_seconds", number(elapsedSeconds, digits: 1)),
            ("remaining_seconds", number(remainingSeconds, digits: 0)),
        ])
    }

    /// A duration in its two largest units: `1 h 2 min`, `3 min 20 s`, `45 s`; anything past a century is `over 100 years`.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 3.2e9 else { return "over 100 years" }
        let whole = Int(max(0, seconds).rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86400) d \(whole % 86400 / 3600) h"
        }
    }
}
