import Foundation

/// A case of `scripts/reference/jpeg_images.py`.
struct ReferenceImage: Decodable {
    var name: String
    var file: Data
    /// Of its pixels as Pillow has them; nil when the data set may not hold the file.
    var digest: String?
    /// Channel, row, column, value.
    var samples: [[Int]]

    static let all: [ReferenceImage] = {
        guard let url = Bundle.module.url(forResource: "Fixtures/jpeg_images", withExtension: "json"),
            let data = try? Data(contentsOf: url),
            let images = try? JSONDecoder().decode([ReferenceImage].self, from: data)
        else { return [] }
        return images
    }()

    static var good: [ReferenceImage] { all.filter { $0.digest != nil } }
}

/// A small folder in Tiny ImageNet's layout, of the reference images.
struct ImageFolder {
    static let classes = ["n02124075", "n01641577", "n07749582"]
    let folder: TemporaryFolder
    var path: String { folder.file("set") }
    var cache: String { folder.file("cache") }

    /// Two training images a class, one test image a class; which is which is told by the names.
    init() throws {
        folder = try TemporaryFolder()
        for (index, wnid) in Self.classes.enumerated() {
            for number in 0..<2 { try put(2 * index + number, "train/\(wnid)/images/\(wnid)_\(number).JPEG") }
            try put(index, "val/images/val_\(index).JPEG")
        }
        try put(text: Self.classes.map { $0 + "\n" }.joined(), "wnids.txt")
        try put(text: Self.classes.enumerated().map { "val_\($0).JPEG\t\($1)\t0\t0\t62\t60\n" }.joined(), "val/val_annotations.txt")
    }

    /// Puts a good reference image there, whichever number is given.
    func put(_ number: Int, _ name: String) throws { try put(ReferenceImage.good[number % ReferenceImage.good.count].file, name) }

    func put(text: String, _ name: String) throws { try put(Data(text.utf8), name) }

    func put(_ data: Data, _ name: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
}
