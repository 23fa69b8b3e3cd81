import CKernels
import Foundation

/// The two-dimensional discrete Fourier transform of small real images, by its definition: one product with a matrix of
/// cosines and one with a matrix of sines, both computed in double precision.
///
/// The forward transform is unscaled and the inverse divided by the number of elements, as in `numpy.fft.fft2` and
/// `ifft2`. Cost: (rows·columns)² multiplications an image and part, for sides of a few elements.
package struct Fourier2D: Sendable {
    package let rows: Int
    package let columns: Int
    /// cos and sin of 2π(ur/rows + vc/columns), `[u, v][r, c]`: both symmetric.
    private let cosines: [Double]
    private let sines: [Double]

    /// The transform of `rows` × `columns` images.
    package init(rows: Int, columns: Int) {
        precondition(rows > 0 && columns > 0)
        self.rows = rows
        self.columns = columns
        let area = rows * columns
        var cosines = [Double](repeating: 0, count: area * area)
        var sines = cosines
        for frequency in 0..<area {
            for position in 0..<area {
                // Whole turns are dropped in integers, so the angles of equal frequencies are equal.
                let row = (frequency / columns) * (position / columns) % rows * columns
                let column = (frequency % columns) * (position % columns) % columns * rows
                let turn = Double((row + column) % area) / Double(area)
                cosines[frequency * area + position] = cos(2 * .pi * turn)
                sines[frequency * area + position] = sin(2 * .pi * turn)
            }
        }
        self.cosines = cosines
        self.sines = sines
    }

    /// Real and imaginary parts of the transform of one image, `[rows][columns]` each.
    package func forward(_ image: [Float]) -> (real: [Float], imaginary: [Float]) {
        precondition(image.count == rows * columns)
        return (apply(cosines, to: image), apply(sines, to: image, scale: -1))
    }

    /// Real and imaginary parts of the inverse transform of a spectrum.
    package func inverse(real: [Float], imaginary: [Float]) -> (real: [Float], imaginary: [Float]) {
        let area = rows * columns
        precondition(real.count == area && imaginary.count == area)
        var result = (real: [Float](repeating: 0, count: area), imaginary: [Float](repeating: 0, count: area))
        for position in 0..<area {
            var sum = (real: 0.0, imaginary: 0.0)
            for frequency in 0..<area {
                let cosine = cosines[position * area + frequency], sine = sines[position * area + frequency]
                sum.real += cosine * Double(real[frequency]) - sine * Double(imaginary[frequency])
                sum.imaginary += sine * Double(real[frequency]) + cosine * Double(imaginary[frequency])
            }
            result.real[position] = Float(sum.real / Double(area))
            result.imaginary[position] = Float(sum.imaginary / Double(area))
        }
        return result
    }

    /// The real parts of the transforms of many images, `[n][rows][columns]` in and out.
    package func realParts(of images: [Float]) -> [Float] { apply(cosines, to: images) }

    /// The magnitudes of the transforms of many images, `[n][rows][columns]` in and out.
    package func magnitudes(of images: [Float]) -> [Float] {
        var result = apply(cosines, to: images)
        let imaginary = apply(sines, to: images)
        result.withUnsafeMutableBufferPointer { result in
            for index in result.indices {
                result[index] = (result[index] * result[index] + imaginary[index] * imaginary[index]).squareRoot()
            }
        }
        return result
    }

    /// The real parts of the inverse transforms of many real spectra, `[n][rows][columns]` in and out.
    package func realPartsOfInverse(of spectra: [Float]) -> [Float] {
        let scale = 1 / Double(rows * columns)
        return apply(cosines, to: spectra, scale: scale)
    }

    /// The product of a symmetric matrix with each of many vectors, scaled before it is rounded.
    private func apply(_ matrix: [Double], to images: [Float], scale: Double = 1) -> [Float] {
        let area = rows * columns
        precondition(images.count % area == 0, "\(images.count) numbers are not whole \(rows)×\(columns) images")
        return [Float](unsafeUninitializedCapacity: images.count) { output, initialized in
            sower_image_products(sower_product_level(), images, images.count / area, area, matrix, scale, output.baseAddress)
            initialized = images.count
        }
    }
}
