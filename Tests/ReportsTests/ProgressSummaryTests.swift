import Testing

import Reports

struct ProgressSummaryTests {
    private let summary = ProgressSummary(
        stages: [
            StageCounts(stage: .evaluate, waiting: 98, running: 0, finished: 1, failed: 1),
            StageCounts(stage: .pretrain, waiting: 30, running: 2, finished: 13),
        ], imagesDone: 90_000, imagesRemaining: 3_350_000, elapsedSeconds: 100.04)

    @Test func `the lines for a terminal`() {
        #expect(
            summary.lines == [
                "pretrain  13 of 45 finished, 2 running, 30 waiting", "evaluate  1 of 100 finished, 98 waiting, 1 failed",
                "900 images/s, 1 min 40 s elapsed, about 1 h 2 min left",
            ])
    }

    @Test func `the JSON form`() {
        #expect(
            summary.json == #"{"version":1,"kind":"progress","stages":[{"stage":"pretrain","waiting":30,"running":2,"#
                + #""finished":13,"failed":0,"total":45},{"stage":"evaluate","waiting":98,"running":0,"finished":1,"failed":1,"#
                + #""total":100}],"images_done":90000,"images_remaining":3350000,"images_per_second":899.6,"#
                + #""elapsed_seconds":100.0,"remaining_seconds":3724}"#)
    }

    @Test func `nothing is estimated before something was measured`() {
        let start = ProgressSummary(stages: [], imagesDone: 0, imagesRemaining: 10, elapsedSeconds: 0)
        #expect(start.lines == ["speed not known yet, 0 s elapsed"])
        #expect(start.remainingSeconds == nil)
        let end = ProgressSummary(stages: [], imagesDone: 10, imagesRemaining: 0, elapsedSeconds: 5)
        #expect(end.lines == ["2 images/s, 5 s elapsed, nothing left to train"])
    }

    @Test func `durations in two units`() {
        #expect([0, 59.6, 3599, 7260, 90_000, .infinity, -1].map(ProgressSummary.duration) == [
            "0 s", "1 min 0 s", "59 min 59 s", "2 h 1 min", "1 d 1 h", "over 100 years", "0 s",
        ])
    }
}
