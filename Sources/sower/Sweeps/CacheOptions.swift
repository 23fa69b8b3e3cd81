import ArgumentParser

/// How much a host may keep of what it could fetch again.
struct CacheOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Most bytes of artifacts that this host keeps, e.g. 500MB, 20GB, 1TiB; workers that share a store should agree. The least "
                + "recently used go first, never one that a job needs or that the coordinator does not have yet.",
            valueName: "size"))
    var cacheQuota = ByteSize(bytes: standardBytes)

    /// Room for 400 ResNet-18s.
    static let standardBytes = 20_000_000_000

    /// As arguments of a worker, and as words of a command that is to be like this one; none for the standard quota.
    var arguments: [String] {
        cacheQuota.bytes == Self.standardBytes ? [] : ["--cache-quota", cacheQuota.defaultValueDescription]
    }

    var words: String { arguments.map { " " + $0 }.joined() }
}

/// A number of bytes as people write it: a whole number or a decimal fraction, and a unit of 1000 (kB, MB, GB, TB) or 1024
/// (KiB, MiB, GiB, TiB); no unit means bytes.
struct ByteSize: ExpressibleByArgument, Equatable {
    var bytes: Int

    private static let units: [(name: String, bytes: Int)] = [
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000),
        ("TIB", 1 << 40), ("GIB", 1 << 30), ("MIB", 1 << 20), ("KIB", 1 << 10), ("B", 1), ("", 1),
    ]

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = argument.dropFirst(number.count).drop { $0 == " " }.uppercased()
        guard let factor = Self.units.first(where: { $0.name == unit })?.bytes, let value = Double(number), value > 0,
            value * Double(factor) >= 1, value * Double(factor) < 0x1p62
        else { return nil }
        self.init(bytes: Int((value * Double(factor)).rounded()))
    }

    /// In the largest unit of 1000 that says it exactly.
    var defaultValueDescription: String {
        let unit = Self.units.prefix(4).first { bytes % $0.bytes == 0 }
        return unit.map { "\(bytes / $0.bytes)\($0.name == "KB" ? "kB" : $0.name)" } ?? "\(bytes)"
    }
}
