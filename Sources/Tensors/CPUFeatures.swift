import CKernels

/// What this program needs to know of an x86-64 CPU to choose OpenBLAS's kernels: maker, family, model, AVX-512.
package struct CPUFeatures: Sendable, Equatable {
    /// The twelve letters of CPUID leaf 0, such as "GenuineIntel"; empty on other architectures.
    package var vendor: String
    /// The display family: base plus extended family (25 = Zen 3 and 4, 26 = Zen 5).
    package var family: Int
    /// The display model: extended model · 16 + model.
    package var model: Int
    /// AVX-512 F, CD, BW, DQ and VL, all of them, with the operating system saving their registers.
    package var hasAVX512: Bool

    package init(vendor: String, family: Int, model: Int, hasAVX512: Bool) {
        self.vendor = vendor
        self.family = family
        self.model = model
        self.hasAVX512 = hasAVX512
    }

    /// The features of the CPU this process runs on.
    package static var current: CPUFeatures {
        let leaf0 = sower_cpuid(0, 0)
        let leaf1 = sower_cpuid(1, 0)
        let leaf7 = leaf0.eax >= 7 ? sower_cpuid(7, 0) : sower_cpuid_registers()
        return CPUFeatures(
            leaf0: (leaf0.ebx, leaf0.ecx, leaf0.edx), leaf1EAX: leaf1.eax, leaf7EBX: leaf7.ebx, xcr0: sower_xcr0())
    }

    /// Reads the registers of CPUID leaves 0, 1 and 7 and of XCR0 (Intel SDM volume 2A, CPUID; volume 1, 13.3).
    package init(leaf0: (ebx: UInt32, ecx: UInt32, edx: UInt32), leaf1EAX: UInt32, leaf7EBX: UInt32, xcr0: UInt64) {
        let letters = [leaf0.ebx, leaf0.edx, leaf0.ecx].flatMap { register in
            (0..<4).map { UInt8(truncatingIfNeeded: register >> (8 * $0)) }
        }
        vendor = String(decoding: letters.prefix { $0 != 0 }, as: UTF8.self)
        let baseFamily = Int(leaf1EAX >> 8 & 0xF)
        family = baseFamily == 0xF ? baseFamily + Int(leaf1EAX >> 20 & 0xFF) : baseFamily
        model = Int(leaf1EAX >> 4 & 0xF) + (baseFamily == 0xF || baseFamily == 6 ? Int(leaf1EAX >> 16 & 0xF) << 4 : 0)
        let avx512: UInt32 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30 | 1 << 31  // F, DQ, CD, BW, VL
        let savedRegisters: UInt64 = 0xE6  // SSE, AVX, and the three parts of AVX-512
        hasAVX512 = leaf7EBX & avx512 == avx512 && xcr0 & savedRegisters == savedRegisters
    }

    /// The value for `OPENBLAS_CORETYPE`, or nil where the library's own choice is right.
    ///
    /// OpenBLAS 0.3.21 picks kernels from a table of models. Zen 4 stands in it as a Zen, with AVX2 kernels; what it does
    /// not know (Zen 5, newer Intel) falls back to Haswell. On those with AVX-512, `SKYLAKEX` is about twice as fast.
    /// The variable must be set before the library is loaded: ``BLAS`` does both.
    package var recommendedOpenBLASCore: String? {
        guard hasAVX512 else { return nil }
        // Skylake-X and Cascade Lake, Ice Lake, Tiger Lake, Sapphire Rapids, Rocket Lake: the models of its table.
        let known: Set = [0x55, 0x6A, 0x6C, 0x7D, 0x7E, 0x8C, 0x8D, 0x8F, 0xA7]
        return vendor == "GenuineIntel" && family == 6 && known.contains(model) ? nil : "SKYLAKEX"
    }
}
