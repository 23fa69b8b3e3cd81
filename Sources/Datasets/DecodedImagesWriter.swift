import Digests
import Foundation

/// Decodes a folder of JPEG files into a file of decoded images, all or nothing.
enum DecodedImagesWriter {
    /// - Parameter place: the folder that gets the file.
    static func write(_ listing: TinyImageNetListing, fingerprint: Digest, to place: String) throws(DatasetError) {
        let target = "\(place)/\(DecodedImages.fileName)"
        let temporary = "\(place)/.partial-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        removeLeftovers(in: place)
        defer { unlink(temporary) }
        let layout = DecodedImages.Layout(
            side: TinyImageNet.side, channels: 3, classes: listing.classes.count, training: listing.training.count, test: listing.test.count
        )
        let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .unwritable(file: temporary, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // The room is taken first: a mapped file that finds the disk full ends the process.
        let code = posix_fallocate(descriptor, 0, off_t(layout.bytes))
        guard code == 0 else {
            throw .unwritable(file: target, reason: "\(String(cString: strerror(code))); \(layout.bytes) bytes are needed")
        }
        guard let address = mmap(nil, layout.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), address != MAP_FAILED else {
            throw .unwritable(file: temporary, reason: String(cString: strerror(errno)))
        }
        defer { munmap(address, layout.bytes) }
        try fill(UnsafeMutableRawBufferPointer(start: address, count: layout.bytes), layout, listing, fingerprint)
        guard fsync(descriptor) == 0, rename(temporary, target) == 0 else {
            throw .unwritable(file: target, reason: String(cString: strerror(errno)))
        }
    }

    private static func fill(
        _ bytes: UnsafeMutableRawBufferPointer, _ layout: DecodedImages.Layout, _ listing: TinyImageNetListing, _ fingerprint: Digest
    ) throws(DatasetError) {
        let images = listing.training + listing.test
        for (index, name) in listing.classes.enumerated() {
            bytes[(DecodedImages.fixedBytes + DecodedImages.nameBytes * index)...].copyBytes(
                from: name.utf8.prefix(DecodedImages.nameBytes))
        }
        let decoder = JPEGDecoder(side: layout.side)
        let pixels = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self) + layout.pixelStart
        var source = SourceHasher()
        for (index, image) in images.enumerated() {
            bytes.storeBytes(of: UInt16(image.label).littleEndian, toByteOffset: layout.labelStart + 2 * index, as: UInt16.self)
            let data = try TinyImageNet.bytes(of: image, in: listing)
            source.add(image, data)
            do {
                try data.withUnsafeBytes { try decoder.decode($0, into: pixels + index * layout.imageBytes) }
            } catch {
                let reason = (error as? JPEGDecoder.Problem)?.reason ?? "\(error)"
                throw .imageFolder(.undecodable(file: "\(listing.folder)/\(image.path)", reason: reason))
            }
        }
        let identity = DecodedImages.identity(of: UnsafeRawBufferPointer(bytes), layout)
        bytes.copyBytes(from: DecodedImages.magic + layout.numbers + [fingerprint, source.finalize(), identity].flatMap(\.bytes))
    }

    /// What a process that was killed has left; only the holder of the lock gets here.
    private static func removeLeftovers(in place: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] where name.hasPrefix(".partial-") {
            unlink("\(place)/\(name)")
        }
    }
}
