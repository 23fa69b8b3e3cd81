import Foundation
import Tensors

/// A made-up data set in CIFAR-100's layout: textured shapes, for trying the program without a download.
///
/// 20 superclasses × 5 classes of 32×32 RGB images. The superclass decides the texture and the palette
/// (``SyntheticScene``), the class the shape; position, size, tilt, phase, colours, light and noise are drawn for each
/// image. An image is a function of (seed, split, fine label, number within its class) alone, computed with integer and
/// correctly rounded floating-point operations only, so the bytes are the same on every machine.
///
/// The scheme is this program's own; accuracies on it say nothing about CIFAR-100.
package enum SyntheticImages {
    /// What `write` did.
    package enum Outcome: Sendable, Equatable {
        case written
        /// The folder already held the images asked for.
        case alreadyThere
    }

    /// The most images a class of one split may have.
    package static let maximumPerClass = 10_000
    /// The version of the drawing: it changes whenever a byte of the output does.
    package static let version = 1

    static let shapeNames = ["disc", "square", "triangle", "cross", "ring"]
    static let textureNames = ["stripes", "pinstripes", "checkers", "ripples", "clouds"]
    static let paletteNames = ["red", "green", "blue", "violet"]
    private static let descriptionFile = "synthetic.json"

    /// Writes a data set with so many images a class to `folder`, all or nothing.
    ///
    /// The files are made in a folder beside it and renamed into place. CIFAR-100's own size is 500 and 100 images a
    /// class (184 MB). A folder that already holds the same set is left as it is.
    ///
    /// Errors: ``DatasetError/occupiedFolder(_:)`` when the folder holds anything else,
    /// ``DatasetError/invalidCounts(trainingPerClass:testPerClass:)``, ``DatasetError/unwritable(file:reason:)``.
    @discardableResult
    package static func write(
        to folder: String, seed: UInt64, trainingPerClass: Int, testPerClass: Int
    ) throws(DatasetError) -> Outcome {
        guard (1...maximumPerClass).contains(trainingPerClass), (1...maximumPerClass).contains(testPerClass) else {
            throw .invalidCounts(trainingPerClass: trainingPerClass, testPerClass: testPerClass)
        }
        let target = URL(fileURLWithPath: folder).standardizedFileURL.path
        let description = """
            {"generator": "sower synthetic images", "version": \(version), "seed": \(seed), \
            "training_per_class": \(trainingPerClass), "test_per_class": \(testPerClass)}

            """
        if let occupied = try existing(target, folder, description, trainingPerClass, testPerClass) { return occupied }

        let parent = (target as NSString).deletingLastPathComponent
        let partial = "\(parent)/.\((target as NSString).lastPathComponent).partial-\(getpid())"
        do {
            try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(file: partial, reason: error.localizedDescription)
        }
        do throws(DatasetError) {
            try store(Data(names(coarseName, count: 20).utf8), as: "\(partial)/coarse_label_names.txt")
            try store(Data(names(fineName, count: 100).utf8), as: "\(partial)/fine_label_names.txt")
            try store(records(of: .training, perClass: trainingPerClass, seed: seed), as: "\(partial)/train.bin")
            try store(records(of: .test, perClass: testPerClass, seed: seed), as: "\(partial)/test.bin")
            try store(Data(description.utf8), as: "\(partial)/\(descriptionFile)")
            // Replaces an empty folder, and nothing but an empty folder.
            guard rename(partial, target) == 0 else {
                throw errno == ENOTEMPTY || errno == EEXIST
                    ? DatasetError.occupiedFolder(folder)
                    : DatasetError.unwritable(file: folder, reason: String(cString: strerror(errno)))
            }
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw error
        }
        return .written
    }

    /// The superclass of a fine label.
    package static func superclass(of fine: Int) -> Int { (fine % 20 + 20 - 3 * (fine / 20)) * 3 % 20 }

    /// The name of a superclass: its palette and its texture.
    package static func coarseName(_ superclass: Int) -> String {
        "\(paletteNames[superclass / 5 % 4])_\(textureNames[superclass % 5])"
    }

    /// The name of a class: its shape and its superclass.
    package static func fineName(_ fine: Int) -> String {
        "\(shapeNames[fine / 20])_of_\(coarseName(superclass(of: fine)))"
    }
}

extension SyntheticImages {
    /// What to do about a folder that exists: nil to go on and write, an outcome when it is what was asked for.
    private static func existing(
        _ target: String, _ folder: String, _ description: String, _ trainingPerClass: Int, _ testPerClass: Int
    ) throws(DatasetError) -> Outcome? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: target, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else { throw .occupiedFolder(folder) }
        guard let content = try? FileManager.default.contentsOfDirectory(atPath: target) else {
            throw .unreadable(file: folder, reason: "the folder cannot be listed")
        }
        if content.isEmpty { return nil }
        guard FileManager.default.contents(atPath: "\(target)/\(descriptionFile)") == Data(description.utf8),
            let data = try? CIFAR100Folder(path: target),
            data.count(of: .training) == 100 * trainingPerClass, data.count(of: .test) == 100 * testPerClass
        else { throw .occupiedFolder(folder) }
        return .alreadyThere
    }

    private static func names(_ name: (Int) -> String, count: Int) -> String {
        (0..<count).map { name($0) + "\n" }.joined()
    }

    /// All records of a split, in an order shuffled by the seed.
    private static func records(of split: ImageSplit, perClass: Int, seed: UInt64) -> Data {
        let splitNumber: UInt64 = split == .training ? 1 : 2
        var order = Array(0..<100 * perClass)
        var stream = RandomStream(seed: seed, substream: splitNumber << 56)
        stream.shuffle(&order)
        var data = Data(count: order.count * CIFAR100Folder.recordBytes)
        data.withUnsafeMutableBytes { bytes in
            for (position, item) in order.enumerated() {
                let fine = item / perClass, number = item % perClass
                let record = bytes.baseAddress! + position * CIFAR100Folder.recordBytes
                record.storeBytes(of: UInt8(superclass(of: fine)), as: UInt8.self)
                record.storeBytes(of: UInt8(fine), toByteOffset: 1, as: UInt8.self)
                let key = splitNumber << 56 | UInt64(fine + 1) << 32 | UInt64(number)
                var scene = SyntheticScene(
                    superclass: superclass(of: fine), shape: fine / 20,
                    stream: RandomStream(seed: seed, substream: key))
                scene.draw(into: (record + 2).assumingMemoryBound(to: UInt8.self))
            }
        }
        return data
    }

    /// Writes a file and waits until it is on the disk.
    private static func store(_ data: Data, as path: String) throws(DatasetError) {
        do {
            try data.write(to: URL(fileURLWithPath: path))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.synchronize()
            try handle.close()
        } catch {
            throw .unwritable(file: path, reason: error.localizedDescription)
        }
    }
}
