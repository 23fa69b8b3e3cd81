import Digests
import Foundation

/// A folder in the binary layout of CIFAR-100: `train.bin`, `test.bin` and, optionally, the two lists of names.
///
/// A record is 3074 bytes: coarse label, fine label, then 32×32 pixels as `[C][H][W]` bytes, red first. Any positive
/// number of records is accepted, so samples and synthetic sets open too. Opening maps both files and reads every label
/// byte (one page fault a record at most); pixels are read when they are used.
///
/// Errors: ``DatasetError``, for a missing, empty or cut file, a label out of range, a fine label under two
/// superclasses, a list of names of the wrong length.
///
/// Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009; layout at
/// <https://www.cs.toronto.edu/~kriz/cifar.html>.
package struct CIFAR100Folder: Sendable {
    /// The height and width of every image, in pixels.
    package static let side = 32
    /// Red, green and blue.
    package static let channels = 3
    /// The bytes of an image's pixels.
    package static let pixelBytes = side * side * channels
    /// The bytes of a record: two labels and the pixels.
    package static let recordBytes = 2 + pixelBytes
    /// The number of superclasses a label byte may name.
    package static let superclassLimit = 20
    /// The number of fine labels a label byte may name.
    package static let fineLimit = 100

    /// The file of a split.
    package static func fileName(of split: ImageSplit) -> String { split == .training ? "train.bin" : "test.bin" }

    /// Every file that a folder may have; the lists of names are optional.
    package static let fileNames = ImageSplit.allCases.map(fileName(of:)) + ["coarse_label_names.txt", "fine_label_names.txt"]

    /// The folder as it was given.
    package let path: String
    /// The 20 superclass names, when the folder lists them.
    package let coarseNames: [String]?
    /// The 100 class names, when the folder lists them.
    package let fineNames: [String]?
    /// The fine labels of each superclass, ascending, as found in both splits; 20 entries, empty where there is no
    /// record.
    package let fineLabels: [[Int]]
    private let trainingFile: MappedFile
    private let testFile: MappedFile

    /// Opens and validates the folder at `path`.
    package init(path: String) throws(DatasetError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw .missingFolder(path)
        }
        self.path = path
        trainingFile = try CIFAR100Folder.mapRecords(CIFAR100Folder.file(CIFAR100Folder.fileName(of: .training), in: path))
        testFile = try CIFAR100Folder.mapRecords(CIFAR100Folder.file(CIFAR100Folder.fileName(of: .test), in: path))
        fineLabels = try CIFAR100Folder.validatedLabels(of: [trainingFile, testFile])
        coarseNames = try CIFAR100Folder.names(
            in: CIFAR100Folder.file("coarse_label_names.txt", in: path), expected: CIFAR100Folder.superclassLimit)
        fineNames = try CIFAR100Folder.names(
            in: CIFAR100Folder.file("fine_label_names.txt", in: path), expected: CIFAR100Folder.fineLimit)
    }

    /// The number of images of a split.
    package func count(of split: ImageSplit) -> Int { file(of: split).count / CIFAR100Folder.recordBytes }

    /// The coarse and the fine label of record `index` of a split.
    package func labels(of split: ImageSplit, at index: Int) -> (coarse: Int, fine: Int) {
        let file = file(of: split)
        precondition(index >= 0 && index < file.count / CIFAR100Folder.recordBytes, "record \(index) of \(file.path)")
        return withExtendedLifetime(file) {
            let start = index * CIFAR100Folder.recordBytes
            return (Int(file.bytes[start]), Int(file.bytes[start + 1]))
        }
    }

    /// The identity of the data: SHA-256 over the text `sower-cifar100-v1` and a newline, the sizes of `train.bin` and
    /// `test.bin` in bytes as two little-endian 64-bit numbers, then the bytes of `train.bin` and of `test.bin`.
    ///
    /// Names are left out: they change no number. Reads both files once, at the speed of SHA-256 (about 1 GB/s).
    package func digest() -> Digest {
        var hasher = DigestHasher()
        hasher.update(Array("sower-cifar100-v1\n".utf8))
        for file in [trainingFile, testFile] {
            withUnsafeBytes(of: UInt64(file.count).littleEndian) { hasher.update($0) }
        }
        for file in [trainingFile, testFile] {
            withExtendedLifetime(file) { hasher.update(file.bytes) }
        }
        return hasher.finalize()
    }

    /// The mapped file of a split.
    func file(of split: ImageSplit) -> MappedFile { split == .training ? trainingFile : testFile }
}

extension CIFAR100Folder {
    fileprivate static func file(_ name: String, in folder: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    /// Maps a file that must hold whole records.
    fileprivate static func mapRecords(_ path: String) throws(DatasetError) -> MappedFile {
        let file = try MappedFile(path: path)
        guard file.count.isMultiple(of: recordBytes) else {
            throw .partialRecord(file: path, bytes: file.count, recordBytes: recordBytes)
        }
        return file
    }

    /// Reads the labels of every record; returns the fine labels of each superclass, ascending.
    fileprivate static func validatedLabels(of files: [MappedFile]) throws(DatasetError) -> [[Int]] {
        var seen = [DatasetError.LabelledRecord?](repeating: nil, count: fineLimit)
        for file in files {
            let bytes = file.bytes
            for offset in stride(from: 0, to: file.count, by: recordBytes) {
                let coarse = Int(bytes[offset]), fine = Int(bytes[offset + 1])
                guard coarse < superclassLimit else {
                    throw .labelOutOfRange(
                        file: file.path, byteOffset: offset, kind: .coarse, actual: coarse, limit: superclassLimit)
                }
                guard fine < fineLimit else {
                    throw .labelOutOfRange(
                        file: file.path, byteOffset: offset + 1, kind: .fine, actual: fine, limit: fineLimit)
                }
                if let first = seen[fine] {
                    guard first.coarse == coarse else {
                        throw .twoSuperclasses(
                            fine: fine, first: first,
                            second: DatasetError.LabelledRecord(file: file.path, byteOffset: offset, coarse: coarse))
                    }
                } else {
                    seen[fine] = DatasetError.LabelledRecord(file: file.path, byteOffset: offset, coarse: coarse)
                }
            }
        }
        var labels = [[Int]](repeating: [], count: superclassLimit)
        for (fine, record) in seen.enumerated() {
            if let record { labels[record.coarse].append(fine) }
        }
        return labels
    }

    /// The lines of a list of names, or nil where there is no such file; empty lines at the end do not count.
    fileprivate static func names(in path: String, expected: Int) throws(DatasetError) -> [String]? {
        let file: MappedFile
        do {
            file = try MappedFile(path: path)
        } catch .missingFile {
            return nil
        } catch .emptyFile {
            throw .wrongNumberOfNames(file: path, actual: 0, expected: expected)
        }
        var lines = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
            .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        while lines.last == "" { lines.removeLast() }
        guard lines.count == expected else {
            throw .wrongNumberOfNames(file: path, actual: lines.count, expected: expected)
        }
        return lines
    }
}
