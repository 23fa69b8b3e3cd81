import Foundation

/// Numbers as text with a fixed count of decimals, the same on every machine and in every locale.
package enum FixedPoint {
    /// `value` rounded to `digits` decimals (0…15), exact halves to even; never a negative zero. `value` must be finite.
    package static func text(_ value: Double, digits: Int) -> String {
        precondition(value.isFinite)
        let text = String(format: "%.\(Swift.max(0, Swift.min(15, digits)))f", value)
        let isZero = text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
        return isZero && text.hasPrefix("-") ? String(text.dropFirst()) : text
    }
}
