import Digests
import Foundation

/// The decoded images of a folder of JPEG files, in one file that every runner of a host maps.
///
/// The file `decoded.images`, all numbers little-endian:
///
/// | bytes | |
/// |---|---|
/// | 16 | `sower images v1` and a newline |
/// | 5 × 8 | side, channels, classes, training images, test images |
/// | 32 | ``fingerprint``: names, sizes and times of the files it was made from |
/// | 32 | ``source``: the bytes of these files |
/// | 32 | the identity |
/// | 16 a class | its name, filled up with zeros |
/// | 2 an image | labels: training, then test |
/// | | zeros up to a multiple of 4096 |
/// | side² · channels an image | pixels `[C][H][W]`: training, then test |
///
/// The identity is the SHA-256 over `sower-tiny-imagenet-v1` and a newline, the five numbers, the class names, the labels and the
/// pixels. So it follows from the bytes of the images and their labels, not from names or paths, and hosts whose decoders disagree
/// do not agree on it either. Opening the file compares it, at the speed of SHA-256: a second or so for the whole of Tiny ImageNet.
package struct DecodedImages: ImageDataset {
    package static let fileName = "decoded.images"
    static let magic = Array("sower images v1\n".utf8)
    static let nameBytes = 16
    static let fixedBytes = 16 + 5 * 8 + 3 * 32

    package let path: String
    package let imageSize: Int
    package let channels: Int
    /// The class of each label.
    package let classNames: [String]
    package let fingerprint: Digest
    package let source: Digest
    private let identity: Digest
    private let file: MappedFile
    private let layout: Layout

    /// Where things lie in the file.
    struct Layout {
        var side, channels, classes, training, test: Int

        var imageBytes: Int { side * side * channels }
        var labelStart: Int { fixedBytes + nameBytes * classes }
        var pixelStart: Int { (labelStart + 2 * (training + test) + 4095) / 4096 * 4096 }
        var bytes: Int { pixelStart + (training + test) * imageBytes }
        var numbers: [UInt8] {
            [side, channels, classes, training, test].flatMap { number in withUnsafeBytes(of: UInt64(number).littleEndian) { Array($0) } }
        }

        /// Whether the numbers are within limits that keep every product small.
        var isSensible: Bool {
            (1...ImageAssembly.maximumImageSize).contains(side) && (channels == 1 || channels == 3)
                && (1...TinyImageNetListing.classLimit).contains(classes) && (1...TinyImageNetListing.imageLimit).contains(training)
                && (1...TinyImageNetListing.imageLimit).contains(test)
        }
    }

    /// Opens the file in `folder` and compares every byte with its identity.
    ///
    /// Errors: ``DatasetError/missingFile(_:)``, ``ImageFolderProblem/damaged(file:reason:)`` and those of mapping.
    package init(folder: String) throws(DatasetError) {
        path = folder
        let file = try MappedFile(path: (folder.hasSuffix("/") ? folder : folder + "/") + DecodedImages.fileName)
        self.file = file
        let bytes = file.bytes
        func damaged(_ reason: String) -> DatasetError { .imageFolder(.damaged(file: file.path, reason: reason)) }
        guard bytes.count >= DecodedImages.fixedBytes, bytes.prefix(16).elementsEqual(DecodedImages.magic) else {
            throw damaged("it does not begin with \"sower images v1\"")
        }
        let numbers = (0..<5).map { index in
            Int(truncatingIfNeeded: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16 + 8 * index, as: UInt64.self)))
        }
        layout = Layout(side: numbers[0], channels: numbers[1], classes: numbers[2], training: numbers[3], test: numbers[4])
        guard layout.isSensible else { throw damaged("its sizes are \(numbers)") }
        guard layout.bytes == bytes.count else { throw damaged("it has \(bytes.count) bytes, expected \(layout.bytes)") }
        let digests = (0..<3).map { Digest(bytes: bytes[(56 + 32 * $0)..<(88 + 32 * $0)].map(\.self)) }
        guard let fingerprint = digests[0], let source = digests[1], let stated = digests[2] else { throw damaged("its digests are cut") }
        (self.fingerprint, self.source) = (fingerprint, source)
        identity = DecodedImages.identity(of: bytes, layout)
        guard identity == stated else { throw damaged("its content has the digest \(identity.short)…, expected \(stated.short)…") }
        (imageSize, channels) = (layout.side, layout.channels)
        let nameStart = DecodedImages.fixedBytes
        classNames = (0..<layout.classes).map { index in
            let name = bytes[(nameStart + 16 * index)..<(nameStart + 16 * index + 16)]
            return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }
        // The digest says that it is what was written, not that a good program wrote it.
        for split in ImageSplit.allCases {
            let images = images(of: split)
            if let index = (0..<images.count).first(where: { images.label(at: $0) >= classNames.count }) {
                let label = images.label(at: index)
                throw damaged("\(split.rawValue) image \(index) has the label \(label), expected less than \(classNames.count)")
            }
        }
    }

    static func identity(of bytes: UnsafeRawBufferPointer, _ layout: Layout) -> Digest {
        var hasher = DigestHasher()
        hasher.update(Array("sower-tiny-imagenet-v1\n".utf8))
        hasher.update(layout.numbers)
        hasher.update(UnsafeRawBufferPointer(rebasing: bytes[fixedBytes..<(layout.labelStart + 2 * (layout.training + layout.test))]))
        hasher.update(UnsafeRawBufferPointer(rebasing: bytes[layout.pixelStart...]))
        return hasher.finalize()
    }

    /// The mean and deviation of ImageNet's training images, as torchvision's models have it; the clustered-initialization
    /// study's run on Tiny ImageNet used them.
    package var normalization: Normalization {
        channels == 3 ? .imageNet : .identity
    }

    package var labels: [Int] { Array(classNames.indices) }
    package func labels(ofSuperclass superclass: Int) -> [Int] { [] }
    package func digest() -> Digest { identity }
    package var files: [(name: String, path: String)] { [(DecodedImages.fileName, file.path)] }

    /// Removes the file, so that it is made anew; who has it mapped keeps it.
    package func discard() throws(DatasetError) {
        guard unlink(file.path) == 0 else { throw .unwritable(file: file.path, reason: String(cString: strerror(errno))) }
    }

    package func images(of split: ImageSplit) -> StoredImages {
        let (first, count) = split == .training ? (0, layout.training) : (layout.training, layout.test)
        return StoredImages(
            file: file, count: count, pixelOffset: layout.pixelStart + first * layout.imageBytes, pixelStride: layout.imageBytes,
            labelOffset: layout.labelStart + 2 * first, labelStride: 2, labelBytes: 2)
    }
}
