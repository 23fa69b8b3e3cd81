/// F16 and BF16 as 32-bit floats and back.
///
/// On bits, because Swift has no BF16, and so that every host gives the same ones. A NaN stays a NaN of the same sign.
enum HalfPrecision {
    /// The value of an F16 (IEEE 754 binary16), exactly.
    static func float(float16 bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let fraction = UInt32(bits & 0x3FF)
        switch UInt32(bits >> 10 & 0x1F) {
        case 0: return Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
        case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        case let exponent: return Float(bitPattern: sign | (exponent + 127 - 15) << 23 | fraction << 13)
        }
    }

    /// The nearest F16, ties to even; infinite from 65520 on, halfway between the greatest F16 and the next power of two.
    static func float16(_ value: Float) -> UInt16 {
        let sign = UInt16(truncatingIfNeeded: value.bitPattern >> 16) & 0x8000
        let magnitude = value.bitPattern & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return sign | 0x7E00 | UInt16(magnitude >> 13 & 0x1FF) }
        if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
        // Below 2^-14 an F16 counts units of 2^-24; 1024 of them are the first normal number, in bits too.
        if magnitude < 0x3880_0000 {
            return sign | UInt16((value.magnitude * 0x1p24).rounded(.toNearestOrEven))
        }
        return sign | UInt16(toNearest(magnitude - (127 - 15) << 23, dropping: 13))
    }

    /// The value of a BF16 (the upper half of a 32-bit float), exactly.
    static func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// The nearest BF16, ties to even.
    static func bfloat16(_ value: Float) -> UInt16 {
        if value.isNaN { return UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x40 }
        return UInt16(toNearest(value.bitPattern, dropping: 16))
    }

    /// The upper bits, rounded to nearest with ties to even; a carry runs into the exponent, as it should.
    private static func toNearest(_ bits: UInt32, dropping count: UInt32) -> UInt32 {
        let half: UInt32 = 1 << (count - 1)
        return (bits + half - 1 + (bits >> count & 1)) >> count
    }
}
