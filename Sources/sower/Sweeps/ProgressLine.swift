import Coordination
import Coordinator
import Foundation
import Reports
import Studies

/// The one line that a sweep keeps up to date on a terminal.
final class ProgressLine {
    private let isShown: Bool
    private let imagesAtStart: Int
    private let total: Int

    init(plan: StudyPlan, entries: [JobEntry], isShown: Bool) {
        self.isShown = isShown
        let open = Set(entries.filter { $0.state == .open }.map(\.id))
        imagesAtStart = plan.jobs.filter { open.contains($0.id) }.reduce(0) { $0 + $1.cost.trainingImages }
        total = entries.count
    }

    /// - Parameter imagesAtStart: training images that are still to come.
    init(total: Int, imagesAtStart: Int, isShown: Bool) {
        self.isShown = isShown
        self.imagesAtStart = imagesAtStart
        self.total = total
    }

    /// Says something on a line of its own.
    func interrupt(_ text: String, say: Bool) {
        if say { printToError((isShown ? "\r\u{1B}[K" : "") + text) }
    }

    func show(_ progress: SweepProgress) {
        guard isShown else { return }
        let width = max(20, terminalWidth - 1)
        printToError("\r\u{1B}[K" + String(text(progress).prefix(width)), terminator: "")
    }

    /// Clears the line and says how it went.
    func end(_ progress: SweepProgress, say: Bool) {
        if isShown { printToError("\r\u{1B}[K", terminator: "") }
        guard say, progress.elapsedSeconds > 0 else { return }
        let rate = Double(progress.imagesTrained) / progress.elapsedSeconds
        printToError(
            "\(done(progress)) of \(total) jobs settled after \(DurationText.text(seconds: progress.elapsedSeconds)), "
                + "\(progress.imagesTrained) training images, \(Int(rate)) images/s")
    }

    private func text(_ progress: SweepProgress) -> String {
        let running = progress.counts[.running] ?? 0
        let failed = progress.counts[.failed] ?? 0
        var parts = ["\(done(progress))/\(total) jobs", "\(running) running"]
        if failed > 0 { parts.append("\(failed) failed") }
        parts.append("\(progress.workers) workers")
        if progress.imagesPerSecond > 0 {
            parts.append("\(Int(progress.imagesPerSecond)) images/s")
            let seconds = Double(max(0, imagesAtStart - progress.imagesTrained)) / progress.imagesPerSecond
            parts.append("about \(DurationText.text(seconds: seconds)) left")
        }
        return parts.joined(separator: " · ")
    }

    private func done(_ progress: SweepProgress) -> Int {
        [.finished, .diverged, .failed].reduce(0) { $0 + (progress.counts[$1] ?? 0) }
    }

    private var terminalWidth: Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
