import Tensors
import Testing

@Suite struct FourierTests {
    private func close(_ a: [Float], _ b: [Double]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs(Double($0) - $1) < 2e-6 }
    }

    @Test func `transforms are NumPy's`() throws {
        let cases = try ReferenceNumbers.load().transforms
        #expect(cases.map(\.side) == [3, 5, 7, 1, 2, 4])
        for reference in cases {
            let fourier = Fourier2D(rows: reference.side, columns: reference.side)
            let image = ReferenceNumbers.bells(stream: reference.stream, count: reference.side * reference.side)
            let spectrum = fourier.forward(image)
            #expect(close(spectrum.real, reference.real))
            #expect(close(spectrum.imaginary, reference.imaginary))
            #expect(close(fourier.magnitudes(of: image), reference.magnitude))
            #expect(fourier.realParts(of: image) == spectrum.real)
            #expect(close(fourier.realPartsOfInverse(of: spectrum.real), reference.inverse_of_real))
        }
    }

    @Test func `the inverse brings every image back, whatever its sides`() {
        for rows in 1...5 {
            for columns in 1...5 {
                let fourier = Fourier2D(rows: rows, columns: columns)
                let image = ReferenceNumbers.bells(stream: rows * 10 + columns, count: rows * columns)
                let spectrum = fourier.forward(image)
                let back = fourier.inverse(real: spectrum.real, imaginary: spectrum.imaginary)
                #expect(close(back.real, image.map(Double.init)))
                #expect(back.imaginary.allSatisfy { abs($0) < 1e-6 })
            }
        }
    }

    @Test func `many images are transformed as each alone`() {
        let fourier = Fourier2D(rows: 3, columns: 3)
        let images = ReferenceNumbers.bells(stream: 9, count: 9 * 5)
        let together = fourier.magnitudes(of: images)
        for index in 0..<5 {
            let alone = fourier.magnitudes(of: Array(images[index * 9..<index * 9 + 9]))
            #expect(Array(together[index * 9..<index * 9 + 9]) == alone)
        }
        #expect(fourier.realParts(of: []).isEmpty)
    }
}
