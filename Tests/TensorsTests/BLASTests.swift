import Tensors
import Testing

@Suite struct BLASTests {
    @Test(arguments: [(1, 1, 1), (3, 5, 2), (64, 128, 192), (17, 104, 33)])
    func `Products with either factor transposed are the definition's`(rows: Int, columns: Int, inner: Int) {
        var stream = RandomStream(seed: 1)
        let a = (0..<rows * inner).map { _ in stream.normal() }
        let b = (0..<inner * columns).map { _ in stream.normal() }
        var expected = [Double](repeating: 0, count: rows * columns)
        for r in 0..<rows {
            for k in 0..<inner {
                for c in 0..<columns {
                    expected[r * columns + c] += Double(a[r * inner + k]) * Double(b[k * columns + c])
                }
            }
        }
        let at = (0..<inner * rows).map { a[$0 % rows * inner + $0 / rows] }
        let bt = (0..<columns * inner).map { b[$0 % inner * columns + $0 / inner] }
        for (x, operationA, strideA) in [(a, BLAS.Operation.plain, inner), (at, .transposed, rows)] {
            for (y, operationB, strideB) in [(b, BLAS.Operation.plain, columns), (bt, .transposed, inner)] {
                var c = [Float](repeating: 1, count: rows * columns)
                BLAS.multiply(
                    x, operationA, stride: strideA, y, operationB, stride: strideB, into: &c, stride: columns,
                    rows: rows, columns: columns, inner: inner, beta: 1)
                #expect(zip(c, expected).allSatisfy { abs(Double($0) - 1 - $1) < 1e-4 })
            }
        }
    }

    @Test func `The library says what it is`() {
        #expect(!BLAS.coreName.isEmpty)
        #expect(BLAS.configuration.contains("OpenBLAS"))
    }
}

@Suite struct CPUFeaturesTests {
    private func recommended(_ vendor: String, _ family: Int, _ model: Int, avx512: Bool) -> String? {
        CPUFeatures(vendor: vendor, family: family, model: model, hasAVX512: avx512).recommendedOpenBLASCore
    }

    @Test func `AVX-512 the library does not use is asked for, and nothing else`() {
        #expect(recommended("AuthenticAMD", 26, 0x02, avx512: true) == "SKYLAKEX")  // Zen 5: unknown to it
        #expect(recommended("AuthenticAMD", 25, 0x11, avx512: true) == "SKYLAKEX")  // Zen 4: taken for a Zen
        #expect(recommended("AuthenticAMD", 25, 0x01, avx512: false) == nil)  // Zen 3
        #expect(recommended("GenuineIntel", 6, 0x55, avx512: true) == nil)  // Skylake-X
        #expect(recommended("GenuineIntel", 6, 0x8F, avx512: true) == nil)  // Sapphire Rapids
        #expect(recommended("GenuineIntel", 6, 0xCF, avx512: true) == "SKYLAKEX")  // Emerald Rapids: newer
        #expect(recommended("GenuineIntel", 6, 0x9E, avx512: false) == nil)  // Coffee Lake
        #expect(recommended("", 0, 0, avx512: false) == nil)  // not x86
    }

    @Test func `Registers are read as the manual says`() {
        let amd = (ebx: UInt32(0x6874_7541), ecx: UInt32(0x444D_4163), edx: UInt32(0x6974_6E65))
        let zen5 = CPUFeatures(leaf0: amd, leaf1EAX: 0x00B0_0F21, leaf7EBX: 0xD003_0000, xcr0: 0xE7)
        #expect(zen5 == CPUFeatures(vendor: "AuthenticAMD", family: 26, model: 2, hasAVX512: true))
        #expect(!CPUFeatures(leaf0: amd, leaf1EAX: 0x00B0_0F21, leaf7EBX: 0xD003_0000, xcr0: 7).hasAVX512)
        #expect(!CPUFeatures(leaf0: amd, leaf1EAX: 0x00B0_0F21, leaf7EBX: 0x5003_0000, xcr0: 0xE7).hasAVX512)
        let intel = (ebx: UInt32(0x756E_6547), ecx: UInt32(0x6C65_746E), edx: UInt32(0x4965_6E69))
        let skylake = CPUFeatures(leaf0: intel, leaf1EAX: 0x0005_0654, leaf7EBX: 0, xcr0: 7)
        #expect(skylake == CPUFeatures(vendor: "GenuineIntel", family: 6, model: 0x55, hasAVX512: false))
    }
}
