/// A length of time as people write it: a number of seconds, or one with the unit s, min, h or d.
package enum Seconds {
    /// The longest: a year.
    package static let longest = 366.0 * 86_400

    /// More than 0 and at most a year; `nil` for anything else.
    package static func parse(_ text: String) -> Double? {
        let units: [(name: String, seconds: Double)] = [("min", 60), ("s", 1), ("h", 3600), ("d", 86_400)]
        let unit = units.first { text.hasSuffix($0.name) }
        let number = text.dropLast(unit?.name.count ?? 0)
        guard number.utf8.count <= 20,
            number.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") }),
            let value = Double(number), value > 0
        else { return nil }
        let seconds = value * (unit?.seconds ?? 1)
        return seconds <= longest ? seconds : nil
    }
}
