import CJPEG

/// Decodes baseline and progressive JPEG files to RGB bytes through libjpeg-turbo's TurboJPEG interface.
///
/// The accurate integer DCT (`islow`) and the triangle filter for chroma ("fancy upsampling") are chosen, libjpeg's own defaults
/// and Pillow's: their SIMD and C versions give the same bits, on every processor. The fast DCT does not promise that.
///
/// A grey image becomes RGB with three equal channels. Whatever libjpeg-turbo would only warn of (a file cut short, a bad Huffman
/// code, bytes between segments) is an error here, because what a decoder puts in place of missing pixels is its own choice. CMYK
/// is refused; so are more than 500 scans, with which a small progressive file could hold the decoder up for minutes.
///
/// Source: <https://libjpeg-turbo.org>, `turbojpeg.h` of version 2.1, `TJFLAG_ACCURATEDCT`, `TJFLAG_LIMITSCANS`.
final class JPEGDecoder {
    /// Why a file could not be decoded, in libjpeg-turbo's words or ours.
    struct Problem: Error, Equatable { var reason: String }

    private let handle: tjhandle
    private let side: Int
    /// One image as the library gives it, `[H][W][C]`.
    private let interleaved: UnsafeMutableBufferPointer<UInt8>

    /// A decoder of images of `side`×`side` pixels.
    init(side: Int) {
        guard let handle = tjInitDecompress() else { preconditionFailure("tjInitDecompress fails only without memory") }
        self.handle = handle
        self.side = side
        interleaved = .allocate(capacity: side * side * 3)
    }

    deinit {
        tjDestroy(handle)
        interleaved.deallocate()
    }

    /// Writes the pixels of the file with these bytes as `[C][H][W]`, red first.
    func decode(_ file: UnsafeRawBufferPointer, into pixels: UnsafeMutablePointer<UInt8>) throws(Problem) {
        guard let start = file.baseAddress?.assumingMemoryBound(to: UInt8.self), file.count > 0 else {
            throw Problem(reason: "it is empty")
        }
        let size = UInt(file.count)
        var width: CInt = 0, height: CInt = 0, subsampling: CInt = 0, colours: CInt = 0
        guard tjDecompressHeader3(handle, start, size, &width, &height, &subsampling, &colours) == 0 else { throw problem }
        guard width == side, height == side else { throw Problem(reason: "\(width)×\(height) pixels, expected \(side)×\(side)") }
        guard colours != TJCS_CMYK.rawValue, colours != TJCS_YCCK.rawValue else {
            throw Problem(reason: "it has the four colours of print, expected RGB or grey")
        }
        let flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
        guard tjDecompress2(handle, start, size, interleaved.baseAddress, width, 0, height, CInt(TJPF_RGB.rawValue), flags) == 0 else {
            throw problem
        }
        let area = side * side
        for channel in 0..<3 {
            for pixel in 0..<area { pixels[channel * area + pixel] = interleaved[3 * pixel + channel] }
        }
    }

    private var problem: Problem { Problem(reason: tjGetErrorStr2(handle).map { String(cString: $0) } ?? "libjpeg-turbo gives no reason") }
}
