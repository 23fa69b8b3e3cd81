import Reports
import Testing

@Suite struct DurationTextTests {
    @Test func `durations in two units`() {
        #expect(
            [0, 59.6, 3599, 7260, 90_000, .infinity, -1].map(DurationText.text(seconds:)) == [
                "0 s", "1 min 0 s", "59 min 59 s", "2 h 1 min", "1 d 1 h", "over 100 years", "0 s",
            ])
    }
}
