import Digests
import Foundation

/// The images of a folder in the layout in which Tiny ImageNet is published: which files there are, and what they show.
///
///     wnids.txt                          a WordNet id a line: the classes
///     train/<wnid>/images/*.JPEG         the training images of a class
///     val/val_annotations.txt            image, wnid and a bounding box, separated by tabs
///     val/images/*.JPEG
///
/// A class's label is its place among the sorted ids, and the images of a split are ordered by class, then by file name, byte by
/// byte: as torchvision's `ImageFolder` has it, with which the set is usually read. Any number of classes is accepted, so samples open too.
/// Bounding boxes, `words.txt` and the unlabelled `test` folder are not read.
///
/// All of it is hostile until checked: an id may be nothing but `n` and eight digits, a file's name no path; no image may be
/// named twice, none be missing or without a class.
///
/// Source: Le and Yang, "Tiny ImageNet visual recognition challenge", CS 231N, 2015; <http://cs231n.stanford.edu/tiny-imagenet-200.zip>.
struct TinyImageNetListing: Sendable {
    struct Image: Sendable, Equatable {
        /// Below the folder.
        var path: String
        var label: Int
    }

    static let classLimit = 1000
    static let imageLimit = 2_000_000
    static let textBytes = 64 << 20

    let folder: String
    /// The WordNet ids, sorted; a label is the place of one.
    let classes: [String]
    let training: [Image]
    let test: [Image]

    /// Whether a folder claims to have this layout.
    static func isPresent(in folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/wnids.txt") }

    /// Lists the folder: reads its texts and the names of its files, no image.
    init(folder: String) throws(DatasetError) {
        self.folder = folder
        let wnids = folder + "/wnids.txt"
        let classes = try Self.classes(in: try Self.text(of: wnids), file: wnids)
        self.classes = classes
        let train = folder + "/train"
        let folders = try Self.names(in: train)
        if let stranger = folders.first(where: { !classes.contains($0) }) {
            throw .imageFolder(.unlisted(path: "\(train)/\(stranger)", list: wnids))
        }
        var training: [Image] = []
        for (label, wnid) in classes.enumerated() {
            let names = try Self.images(in: "\(train)/\(wnid)/images")
            guard !names.isEmpty else { throw .imageFolder(.empty("\(train)/\(wnid)/images")) }
            training += names.map { Image(path: "train/\(wnid)/images/\($0)", label: label) }
            guard training.count <= Self.imageLimit else { throw .imageFolder(.tooMany(folder: train, limit: Self.imageLimit)) }
        }
        self.training = training

        let annotations = folder + "/val/val_annotations.txt"
        let labels = try Self.annotations(in: try Self.text(of: annotations), file: annotations, classes: classes)
        let names = try Self.images(in: folder + "/val/images")
        if let stranger = names.first(where: { labels[$0] == nil }) {
            throw .imageFolder(.unlisted(path: "\(folder)/val/images/\(stranger)", list: annotations))
        }
        if labels.count != names.count, let missing = Set(labels.keys).subtracting(names).min() {
            throw .imageFolder(.missing("\(folder)/val/images/\(missing)"))
        }
        test = names.map { Image(path: "val/images/\($0)", label: labels[$0] ?? 0) }.enumerated()
            .sorted { ($0.element.label, $0.offset) < ($1.element.label, $1.offset) }.map(\.element)
    }

    /// SHA-256 over names, sizes and times of change of all that is read: while it stays the same, so do the files, as far as make
    /// and rsync can tell. Asks the file system once a file.
    func fingerprint() throws(DatasetError) -> Digest {
        var hasher = DigestHasher()
        hasher.update(Array("sower-tiny-imagenet-files-v1\n".utf8))
        for path in ["wnids.txt", "val/val_annotations.txt"] + (training + test).map(\.path) {
            var status = stat()
            guard stat(folder + "/" + path, &status) == 0 else { throw .imageFolder(.missing(folder + "/" + path)) }
            hasher.update(Array("\(path) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\n".utf8))
        }
        return hasher.finalize()
    }
}

// MARK: Texts

extension TinyImageNetListing {
    /// The ids of `wnids.txt`, sorted.
    static func classes(in text: String, file: String) throws(DatasetError) -> [String] {
        var classes: [String] = []
        for (index, line) in lines(of: text).enumerated() {
            guard isWordNetID(line) else {
                throw .imageFolder(
                    .malformed(file: file, line: index + 1, expected: "a WordNet id such as n01443537", found: String(line.prefix(80))))
            }
            classes.append(String(line))
            guard classes.count <= classLimit else { throw .imageFolder(.tooMany(folder: file, limit: classLimit)) }
        }
        guard !classes.isEmpty else { throw .imageFolder(.empty(file)) }
        let sorted = classes.sorted()
        if let twice = zip(sorted, sorted.dropFirst()).first(where: { $0 == $1 })?.0 { throw .imageFolder(.twice(file: file, name: twice)) }
        return sorted
    }

    /// The label of each image that `val_annotations.txt` names.
    static func annotations(in text: String, file: String, classes: [String]) throws(DatasetError) -> [String: Int] {
        let labels = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        var found: [String: Int] = [:]
        for (index, line) in lines(of: text).enumerated() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count >= 2, isImageName(fields[0]), isWordNetID(fields[1]) else {
                throw .imageFolder(
                    .malformed(file: file, line: index + 1, expected: "an image, a tab and a WordNet id", found: String(line.prefix(80))))
            }
            guard let label = labels[String(fields[1])] else {
                throw .imageFolder(.malformed(file: file, line: index + 1, expected: "a class of wnids.txt", found: String(fields[1])))
            }
            guard found.updateValue(label, forKey: String(fields[0])) == nil else {
                throw .imageFolder(.twice(file: file, name: String(fields[0])))
            }
            guard found.count <= imageLimit else { throw .imageFolder(.tooMany(folder: file, limit: imageLimit)) }
        }
        guard !found.isEmpty else { throw .imageFolder(.empty(file)) }
        return found
    }

    private static func lines(of text: String) -> [Substring] {
        // A carriage return and a newline are one character of a Swift text.
        text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
    }

    static func isWordNetID(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 9 && text.utf8.first == UInt8(ascii: "n") && text.utf8.dropFirst().allSatisfy { (48...57).contains($0) }
    }

    static func isImageName(_ text: some StringProtocol) -> Bool {
        guard (1...128).contains(text.utf8.count), text.utf8.first != UInt8(ascii: ".") else { return false }
        let plain = text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
        }
        return plain && [".jpeg", ".jpg"].contains { text.lowercased().hasSuffix($0) }
    }
}

// MARK: Files

extension TinyImageNetListing {
    private static func text(of path: String) throws(DatasetError) -> String {
        let file: MappedFile
        do throws(DatasetError) {
            file = try MappedFile(path: path)
        } catch {
            switch error {
            case .missingFile: throw .imageFolder(.missing(path))
            case .emptyFile: throw .imageFolder(.empty(path))
            default: throw error
            }
        }
        guard file.count <= textBytes else { throw .unreadable(file: path, reason: "\(file.count) bytes, expected at most \(textBytes)") }
        return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
    }

    /// What is in a folder but for hidden files, by bytes.
    private static func names(in folder: String) throws(DatasetError) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw FileManager.default.fileExists(atPath: folder)
                ? .unreadable(file: folder, reason: "the folder cannot be listed") : .imageFolder(.missing(folder))
        }
        return names.filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The JPEG files of a folder; other files are passed over, as `ImageFolder` does.
    private static func images(in folder: String) throws(DatasetError) -> [String] { try names(in: folder).filter { isImageName($0) } }
}
