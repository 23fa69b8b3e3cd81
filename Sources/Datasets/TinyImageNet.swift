import Digests
import Foundation

/// Tiny ImageNet: its JPEG files are decoded once a host into one file of a cache, which is mapped from then on.
///
/// The cache has a folder for each folder of images, named by the digest of its path. What lies there is used while the names,
/// sizes and times of the JPEG files are what they were and its own digest is right; otherwise it is made anew and put in place by
/// one `rename`, so that it is whole or not there. Processes that want it at the same time wait for the first to have made it.
///
/// Cost for all 110,000 images: 1.35 GB and some fifteen seconds the first time (9,000 images a second from the page cache), then a
/// look at each file's times and one pass of SHA-256, three seconds in all.
package enum TinyImageNet {
    /// The height and width of every image, in pixels.
    package static let side = 64
    /// A JPEG of 64×64 pixels has some kilobytes.
    static let longestJPEG = 1 << 20

    /// Opens the folder, which has the published layout or holds a file of decoded images already.
    ///
    /// - Parameters:
    ///   - cache: the folder of the cache.
    ///   - tell: is told what takes long, and what was found damaged.
    ///
    /// Errors: ``DatasetError``.
    package static func open(
        _ folder: String, cache: String = DatasetCache.folder, tell: (String) -> Void
    ) throws(DatasetError) -> DecodedImages {
        if FileManager.default.fileExists(atPath: "\(folder)/\(DecodedImages.fileName)") { return try DecodedImages(folder: folder) }
        let listing = try TinyImageNetListing(folder: folder)
        let fingerprint = try listing.fingerprint()
        let place = try DatasetCache.place(for: folder, in: cache)
        let lock = DatasetCache.Lock(place)
        defer { lock.release() }
        switch kept(place, fingerprint, folder) {
        case .usable(let images): return images
        case .nothing: tell("decoding the \(listing.training.count + listing.test.count) images of \(folder), once for this host")
        case .useless(let reason): tell("decoding the images of \(folder) again: \(reason)")
        }
        try DecodedImagesWriter.write(listing, fingerprint: fingerprint, to: place)
        // Listed anew: a file that has come in the meantime is missing among those that were decoded.
        guard try TinyImageNetListing(folder: folder).fingerprint() == fingerprint else {
            // The lock stays for those who wait for it.
            unlink("\(place)/\(DecodedImages.fileName)")
            throw .imageFolder(.changing(folder: folder))
        }
        return try DecodedImages(folder: place)
    }

    private enum Kept {
        case usable(DecodedImages)
        case nothing
        case useless(String)
    }

    private static func kept(_ place: String, _ fingerprint: Digest, _ folder: String) -> Kept {
        do throws(DatasetError) {
            let images = try DecodedImages(folder: place)
            return images.fingerprint == fingerprint ? .usable(images) : .useless("its files have changed")
        } catch {
            if case .missingFile = error { return .nothing }
            return .useless(error.errorDescription ?? "the copy is damaged")
        }
    }

    /// Whether the JPEG files still have the bytes that `images` were decoded from: reads all of them.
    package static func isCurrent(_ images: DecodedImages, of folder: String) throws(DatasetError) -> Bool {
        guard TinyImageNetListing.isPresent(in: folder) else { return true }
        var hasher = SourceHasher()
        let listing = try TinyImageNetListing(folder: folder)
        for image in listing.training + listing.test { hasher.add(image, try bytes(of: image, in: listing)) }
        return hasher.finalize() == images.source
    }

    /// A JPEG file's bytes, when it has a sensible size.
    static func bytes(of image: TinyImageNetListing.Image, in listing: TinyImageNetListing) throws(DatasetError) -> Data {
        let path = "\(listing.folder)/\(image.path)"
        var status = stat()
        guard stat(path, &status) == 0 else { throw .missingFile(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(file: path, reason: "not a regular file") }
        guard status.st_size <= longestJPEG else {
            throw .imageFolder(.undecodable(file: path, reason: "\(status.st_size) bytes, expected at most \(longestJPEG)"))
        }
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(file: path, reason: "permission denied?") }
        return data
    }
}

/// SHA-256 over the labels and bytes of image files in their order: what decoded images were made from.
struct SourceHasher {
    private var hasher = DigestHasher()

    init() { hasher.update(Array("sower-tiny-imagenet-source-v1\n".utf8)) }

    mutating func add(_ image: TinyImageNetListing.Image, _ bytes: Data) {
        hasher.update(Array("\(image.label) \(bytes.count)\n".utf8))
        bytes.withUnsafeBytes { hasher.update($0) }
    }

    func finalize() -> Digest { hasher.finalize() }
}
