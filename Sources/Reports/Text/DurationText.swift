/// Durations for people.
package enum DurationText {
    /// A duration in its two largest units: `1 h 2 min`, `3 min 20 s`, `45 s`; anything past a century is `over 100 years`.
    package static func text(seconds: Double) -> String {
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
