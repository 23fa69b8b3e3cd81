import Digests
import Foundation

/// The two parts of a data set. The papers call the second one validation.
package enum ImageSplit: String, Sendable, Codable, CaseIterable {
    case training, test
}

/// An opened data set: labelled square images of one size, in two splits.
package protocol ImageDataset: Sendable {
    /// The folder as it was given.
    var path: String { get }
    /// The height and width of every image, in pixels.
    var imageSize: Int { get }
    /// The channels of every image: 1 or 3.
    var channels: Int { get }
    /// How the studies of this data set normalize it.
    var normalization: Normalization { get }
    /// The labels that occur, ascending.
    var labels: [Int] { get }
    /// The labels of a superclass, ascending; none where there is no such superclass, or the data set has none at all.
    func labels(ofSuperclass superclass: Int) -> [Int]
    func images(of split: ImageSplit) -> StoredImages
    /// The identity of the data: of its images and labels, whatever their path.
    func digest() -> Digest
    /// The files that make the data set on another host, by the names that they have in one folder.
    var files: [(name: String, path: String)] { get }
}

/// The images of one split in a mapped file, each at a fixed distance from the one before, and so its label.
package struct StoredImages: Sendable {
    let file: MappedFile
    /// The number of images.
    package let count: Int
    /// The byte at which the first image's pixels begin (`[C][H][W]` bytes), and how far it is to the next one's.
    let pixelOffset, pixelStride: Int
    /// The same of the labels, little-endian numbers of `labelBytes` bytes.
    let labelOffset, labelStride, labelBytes: Int

    /// The path of the file, for messages.
    package var path: String { file.path }

    /// The label of image `index`.
    package func label(at index: Int) -> Int {
        precondition(index >= 0 && index < count, "image \(index) of \(count) in \(file.path)")
        return withExtendedLifetime(file) {
            let start = labelOffset + index * labelStride
            return (0..<labelBytes).reduce(0) { $0 | Int(file.bytes[start + $1]) << (8 * $1) }
        }
    }

    /// The pixels of all images, from the first one's; valid inside `body`.
    func withPixels<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        withExtendedLifetime(file) { body(file.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self) + pixelOffset) }
    }
}

extension CIFAR100Folder: ImageDataset {
    package var imageSize: Int { CIFAR100Folder.side }
    package var channels: Int { CIFAR100Folder.channels }
    package var normalization: Normalization { .cifar100 }
    package var labels: [Int] { fineLabels.flatMap(\.self).sorted() }

    package func labels(ofSuperclass superclass: Int) -> [Int] {
        fineLabels.indices.contains(superclass) ? fineLabels[superclass] : []
    }

    package func images(of split: ImageSplit) -> StoredImages {
        StoredImages(
            file: file(of: split), count: count(of: split), pixelOffset: 2, pixelStride: CIFAR100Folder.recordBytes, labelOffset: 1,
            labelStride: CIFAR100Folder.recordBytes, labelBytes: 1)
    }

    package var files: [(name: String, path: String)] {
        let kept = [file(of: .training).path, file(of: .test).path]
        let folder = (kept[0] as NSString).deletingLastPathComponent
        return CIFAR100Folder.fileNames.map { ($0, "\(folder)/\($0)") }
            .filter { kept.contains($0.1) || FileManager.default.fileExists(atPath: $0.1) }
    }
}
