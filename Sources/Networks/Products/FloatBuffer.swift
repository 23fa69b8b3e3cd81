import Foundation

/// A block of zeroed floats, aligned to a cache line, that lives as long as its owner.
///
/// Pages are taken from the system when first touched, so a generous capacity costs nothing. Large blocks ask for huge
/// pages: a product walks many rows at once, and their addresses would not fit in the translation cache.
package final class FloatBuffer {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int
    private let block: UnsafeMutableRawPointer
    private let length: Int

    package init(count: Int) {
        precondition(count >= 0)
        let page = 4096
        length = (max(count * MemoryLayout<Float>.stride, 1) + page - 1) / page * page
        guard
            let block = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            block != MAP_FAILED
        else { fatalError("No memory for a buffer of \(count) floats") }
        #if os(Linux)
            if length >= 1 << 20 { madvise(block, length, Int32(MADV_HUGEPAGE)) }
        #endif
        self.block = block
        self.count = count
        pointer = block.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    deinit { munmap(block, length) }

    /// Sets every float to zero.
    package func clear() { pointer.update(repeating: 0, count: count) }
}
