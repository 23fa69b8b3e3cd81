import Datasets
import Digests
import Foundation
import Testing

@Suite struct TinyImageNetTests {
    private let set: ImageFolder

    init() throws { set = try ImageFolder() }

    private func open(_ told: (String) -> Void = { _ in }) throws -> DecodedImages {
        try TinyImageNet.open(set.path, cache: set.cache, tell: told)
    }

    private func failure(_ change: () throws -> Void) throws -> DatasetError? {
        try change()
        return #expect(throws: DatasetError.self) { _ = try open() }
    }

    private var cached: String {
        get throws { try "\(set.cache)/\(#require(FileManager.default.contentsOfDirectory(atPath: set.cache).first))/decoded.images" }
    }

    // MARK: What is read

    @Test func `images are in the order of sorted classes and names, with Pillow's pixels`() throws {
        let data = try open()
        #expect(data.classNames == ["n01641577", "n02124075", "n07749582"])
        #expect(data.imageSize == 64 && data.channels == 3 && data.labels == [0, 1, 2])
        let training = data.images(of: .training), test = data.images(of: .test)
        #expect((0..<training.count).map { training.label(at: $0) } == [0, 0, 1, 1, 2, 2])
        #expect((0..<test.count).map { test.label(at: $0) } == [0, 1, 2])
        let subset = try ImageSubset(data, split: .training, superclasses: [], normalization: .identity)
        #expect(subset.count == 6 && subset.classes == 3 && subset.imageSize == 64)
        // n01641577 is the second class of the folder's list, and has its third and fourth image.
        let expected = [2, 3, 0, 1, 4, 5].map { ReferenceImage.good[$0] }
        var images = [Float](repeating: 0, count: 64 * 64 * 3 * 6)
        var labels = [Int32](repeating: -1, count: 6)
        subset.fill(ArraySlice(0..<6), epoch: 1, images: &images, labels: &labels)
        #expect(labels == [0, 0, 1, 1, 2, 2])
        for (column, image) in expected.enumerated() {
            for sample in image.samples {
                let value = images[((sample[1] * 64 + sample[2]) * 3 + sample[0]) * 6 + column]
                #expect(value == Float(sample[3]) / 255, "\(image.name) \(sample)")
            }
        }
    }

    @Test func `every kind of JPEG has Pillow's pixels to the last bit`() throws {
        try #require(ReferenceImage.good.count == 7)
        for image in ReferenceImage.good {
            for wnid in ImageFolder.classes { try set.put(image.file, "train/\(wnid)/images/\(wnid)_0.JPEG") }
            let data = try open()
            let file = try Data(contentsOf: URL(fileURLWithPath: cached))
            let pixels = file[(file.count - 9 * 12_288)..<(file.count - 8 * 12_288)]
            #expect(Digest(of: pixels).hex == image.digest, "\(image.name)")
            #expect(data.images(of: .training).count == 6)
        }
    }

    @Test(arguments: ["CMYK", "63 pixels wide", "cut short", "cut in its header", "no JPEG"])
    func `an image that is not the data set's is refused by name`(name: String) throws {
        let image = try #require(ReferenceImage.all.first { $0.name == name })
        let error = try failure { try set.put(image.file, "val/images/val_1.JPEG") }
        guard case .imageFolder(.undecodable(let file, _))? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(file.hasSuffix("/val/images/val_1.JPEG"))
        #expect(!FileManager.default.fileExists(atPath: try cached), "nothing half decoded is left")
    }

    @Test func `the ImageNet numbers normalize it, in the order red, green, blue`() throws {
        #expect(try open().normalization == .imageNet)
        #expect(Normalization.imageNet.mean == [0.485, 0.456, 0.406] && Normalization.imageNet.deviation == [0.229, 0.224, 0.225])
    }

    // MARK: Identity

    @Test func `the identity follows from images and labels, not from paths, names or times`() throws {
        let digest = try open().digest()
        let other = try ImageFolder()
        try other.remove("train/n02124075/images/n02124075_0.JPEG")
        try other.put(0, "train/n02124075/images/a.JPEG")
        try other.put(text: "unread", "words.txt")
        #expect(try TinyImageNet.open(other.path, cache: other.cache) { _ in }.digest() == digest)
        try other.put(text: "val_0.JPEG\tn01641577\nval_1.JPEG\tn01641577\nval_2.JPEG\tn07749582\n", "val/val_annotations.txt")
        #expect(try TinyImageNet.open(other.path, cache: other.cache) { _ in }.digest() != digest)
        try set.put(5, "train/n01641577/images/n01641577_1.JPEG")
        #expect(try open().digest() != digest)
    }

    @Test(.enabled(if: realData("tiny-imagenet-small") != nil))
    func `the sample has the digest that Pillow's pixels give`() throws {
        let data = try TinyImageNet.open(try #require(realData("tiny-imagenet-small")), cache: set.cache) { _ in }
        #expect(data.images(of: .training).count == 600 && data.images(of: .test).count == 200 && data.labels.count == 10)
        // SHA-256 in Python over what the documentation of DecodedImages says, with Pillow 13.0's pixels.
        #expect(data.digest().hex == "ec8ea6dabc9948c7043cd7f110adb922f22610c98526e6d61630f5359f98bdd1")
    }

    // MARK: The cache

    @Test func `images are decoded once, and again when a file changes`() throws {
        var told: [String] = []
        let digest = try open { told.append($0) }.digest()
        #expect(told.count == 1)
        #expect(try open { told.append($0) }.digest() == digest && told.count == 1)
        try set.put(4, "train/n01641577/images/n01641577_0.JPEG")
        #expect(try open { told.append($0) }.digest() != digest)
        #expect(told.count == 2 && told[1].contains("have changed"))
    }

    @Test(arguments: [3, 20, 70, 130, 200, 5000, -1])
    func `a damaged cache is made again with a notice`(position: Int) throws {
        let digest = try open().digest()
        let path = try cached
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[position < 0 ? bytes.count + position : position] ^= 0x10
        try bytes.write(to: URL(fileURLWithPath: path))
        var told: [String] = []
        #expect(try open { told.append($0) }.digest() == digest)
        // A damaged digest of the source (bytes 88 to 119) changes no image: only `data check` looks at it.
        #expect(told.count == 1 && told.allSatisfy { $0.contains("damaged") || $0.contains("changed") }, "\(told)")
        try Data(bytes.prefix(1000)).write(to: URL(fileURLWithPath: path))
        #expect(try open { told.append($0) }.digest() == digest && told.count == 2)
    }

    @Test func `bytes that change behind the same size and time are found by reading all`() throws {
        let images = try open()
        #expect(try TinyImageNet.isCurrent(images, of: set.path))
        let path = "\(set.path)/val/images/val_0.JPEG"
        let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count - 3] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.modificationDate: try #require(time)], ofItemAtPath: path)
        #expect(try !TinyImageNet.isCurrent(images, of: set.path))
    }

    @Test func `several that want it at once all get it`() throws {
        let digests = Locked<[Digest]>([])
        let (path, cache) = (set.path, set.cache)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            if let data = try? TinyImageNet.open(path, cache: cache, tell: { _ in }) { digests.add(data.digest()) }
        }
        #expect(digests.value.count == 4 && Set(digests.value).count == 1)
        let left = try FileManager.default.contentsOfDirectory(atPath: try (cached as NSString).deletingLastPathComponent)
        #expect(left.sorted() == [".lock", "decoded.images"])
    }

    @Test func `a folder with the decoded file alone is the data set`() throws {
        let digest = try open().digest()
        let elsewhere = set.folder.file("elsewhere")
        try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: try cached, toPath: elsewhere + "/decoded.images")
        #expect(try DatasetFolder.open(elsewhere) { _ in }.digest() == digest)
    }

    // MARK: Hostile folders

    @Test(arguments: [
        ("wnids.txt", ""), ("wnids.txt", "n0164157\n"), ("wnids.txt", "n01641577\nn01641577\n"), ("wnids.txt", "../../etc\n"),
        ("wnids.txt", "n01641577\nn02124075\n"), ("wnids.txt", "n01641577\nn02124075\nn07749582\nn99999999\n"),
        ("val/val_annotations.txt", ""), ("val/val_annotations.txt", "val_0.JPEG\n"),
        ("val/val_annotations.txt", "val_0.JPEG\tn99999999\n"),
        ("val/val_annotations.txt", "../../wnids.txt\tn01641577\n"), ("val/val_annotations.txt", "val_0.JPEG\tn01641577\n"),
        ("val/val_annotations.txt", "val_0.JPEG\tn01641577\nval_0.JPEG\tn01641577\n"),
        ("val/val_annotations.txt", "val_0.JPEG\tn01641577\nval_1.JPEG\tn01641577\nval_2.JPEG\tn01641577\nval_3.JPEG\tn01641577\n"),
    ])
    func `a bad list is refused with its file and remedy`(name: String, text: String) throws {
        let error = try failure { try set.put(text: text, name) }
        #expect(
            error?.errorDescription?.isEmpty == false && error?.recoverySuggestion?.contains("tiny-imagenet") == true,
            "\(String(describing: error))")
        #expect(!FileManager.default.fileExists(atPath: set.cache))
    }

    @Test func `what is missing is named`() throws {
        #expect(try failure { try set.remove("val/images/val_2.JPEG") } == .imageFolder(.missing("\(set.path)/val/images/val_2.JPEG")))
        #expect(try failure { try set.remove("val/images") } == .imageFolder(.missing("\(set.path)/val/images")))
        #expect(try failure { try set.remove("train/n07749582") } == .imageFolder(.missing("\(set.path)/train/n07749582/images")))
        #expect(throws: DatasetError.missingFolder("/nowhere")) { _ = try DatasetFolder.open("/nowhere") { _ in } }
        #expect(throws: DatasetError.imageFolder(.unknownLayout(folder: set.folder.path))) {
            _ = try DatasetFolder.open(set.folder.path) { _ in }
        }
    }

    @Test func `files that nobody lists are found, others are passed over`() throws {
        try set.put(text: "", "train/n01641577/images/.hidden.JPEG")
        try set.put(text: "boxes", "train/n01641577/n01641577_boxes.txt")
        try set.put(text: "thumbs", "train/n01641577/images/Thumbs.db")
        #expect(try open().images(of: .training).count == 6)
        try set.put(0, "val/images/val_7.JPEG")
        let error = #expect(throws: DatasetError.self) { _ = try open() }
        #expect(error?.errorDescription?.contains("val_7.JPEG") == true)
    }

    /// Deterministic noise in the texts: whatever it is, there is an error or a data set, never a trap.
    @Test func `noise in the lists is an error or a data set`() throws {
        let good = Array("val_0.JPEG\tn02124075\t0\t0\t62\t60\nval_1.JPEG\tn01641577\nval_2.JPEG\tn07749582\n".utf8)
        var state: UInt64 = 7
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<300 {
            var text = good
            for _ in 0...next(4) {
                switch next(3) {
                case 0: text[next(text.count)] = UInt8(next(256))
                case 1: text.remove(at: next(text.count))
                default: text.insert([9, 10, 13, 0, 47, 46, 200][next(7)], at: next(text.count))
                }
            }
            try set.put(Data(text), "val/val_annotations.txt")
            _ = try? open()
        }
        try set.put(Data(good), "val/val_annotations.txt")
        #expect(try open().images(of: .test).count == 3)
    }

    // MARK: Several data sets

    @Test func `a folder of links leads to each data set by its digest`() throws {
        let images = try open()
        let cifar = set.folder.file("cifar")
        try SyntheticImages.write(to: cifar, seed: 1, trainingPerClass: 1, testPerClass: 1)
        let other = try CIFAR100Folder(path: cifar)
        let place = set.folder.file("links")
        for _ in 0..<2 { try DatasetFolder.link([(images.digest(), images.path), (other.digest(), cifar)], in: place) }
        for data in [images, other] as [any ImageDataset] {
            #expect(try DatasetFolder.open(DatasetFolder.place(of: data.digest(), in: place)) { _ in }.digest() == data.digest())
        }
        #expect(DatasetFolder.place(of: Digest(of: "x"), in: place) == place)
        #expect(DatasetFolder.digest(of: [images.digest()]) == images.digest())
        #expect(
            DatasetFolder.digest(of: [images.digest(), other.digest()]) == DatasetFolder.digest(of: [other.digest(), images.digest()]))
    }
}

/// A value that several threads add to.
final class Locked<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value { lock.withLock { stored } }
}

extension Locked where Value == [Digest] {
    func add(_ digest: Digest) { lock.withLock { stored.append(digest) } }
}
