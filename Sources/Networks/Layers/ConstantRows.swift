/// The same number for every channel, where a kernel takes one a channel.
final class ConstantRows {
    let pointer: UnsafeMutablePointer<Float>

    init(_ value: Float, channels: Int) {
        pointer = .allocate(capacity: channels)
        pointer.initialize(repeating: value, count: channels)
    }

    deinit { pointer.deallocate() }
}
