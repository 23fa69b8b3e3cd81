import Digests

/// A data set as its publisher offers it: what to download, and what becomes of it.
package struct PublishedDataset: Sendable, Equatable {
    /// What people call it on the command line.
    package var name: String
    /// The folder it gets where none is named.
    package var folder: String
    package var files: [PublishedFile]
    /// Paths that must be there when everything is unpacked.
    package var members: [String]
    /// What the unpacked files take on the disk.
    package var unpackedBytes: Int

    package init(name: String, folder: String, files: [PublishedFile], members: [String], unpackedBytes: Int) {
        self.name = name
        self.folder = folder
        self.files = files
        self.members = members
        self.unpackedBytes = unpackedBytes
    }
}

/// One file of a publisher's.
package struct PublishedFile: Sendable, Equatable {
    /// Where it is offered, the best place first; http, https or file.
    package var addresses: [String]
    package var size: Int
    package var checksum: Checksum
    package var packing: Packing

    package init(addresses: [String], size: Int, checksum: Checksum, packing: Packing) {
        self.addresses = addresses
        self.size = size
        self.checksum = checksum
        self.packing = packing
    }

    /// The last component of its addresses.
    package var name: String { addresses[0].split(separator: "/").last.map(String.init) ?? "" }
}

/// How a file is packed.
package enum Packing: Sendable, Equatable {
    /// It is kept as it is.
    case none
    /// Its members lie in one folder, which becomes the data set's.
    case tarGzip(root: String)
    case zip(root: String)
}

/// What the bytes of a file must hash to, in lower-case hexadecimal.
package enum Checksum: Sendable, Equatable, CustomStringConvertible {
    case sha256(String)
    /// Where the publisher and everybody after give no other.
    case md5(String)

    package var description: String {
        switch self {
        case .sha256(let hex): "SHA-256 \(hex)"
        case .md5(let hex): "MD5 \(hex)"
        }
    }
}

extension PublishedDataset {
    /// The data sets that Sower can download.
    ///
    /// Source of addresses and checksums: the two CIFAR sets, <https://www.cs.toronto.edu/~kriz/cifar.html> (MD5 of the same archives:
    /// c32a1d4ab5d03f1284b67883e8d87530 and 03b5dce01913d631647c71ecec9e9cb8); sizes and SHA-256 of these, SVHN and MNIST:
    /// tensorflow/datasets, `url_checksums/{cifar10,cifar100,svhn_cropped,mnist}.txt`. SVHN: <http://ufldl.stanford.edu/housenumbers>.
    /// MNIST: the mirrors of pytorch/vision and of tensorflow/datasets. Tiny ImageNet: <http://cs231n.stanford.edu/tiny-imagenet-200.zip>,
    /// for which everybody has the same MD5 and nobody more (Avalanche's `tiny_imagenet.py` among others).
    package static let all = [
        PublishedDataset(
            name: "cifar100", folder: "cifar-100-binary",
            files: [
                PublishedFile(
                    addresses: ["https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"], size: 168_513_733,
                    checksum: .sha256("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
                    packing: .tarGzip(root: "cifar-100-binary"))
            ], members: ["train.bin", "test.bin", "coarse_label_names.txt", "fine_label_names.txt"], unpackedBytes: 185_000_000),
        PublishedDataset(
            name: "cifar10", folder: "cifar-10-batches-bin",
            files: [
                PublishedFile(
                    addresses: ["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"], size: 170_052_171,
                    checksum: .sha256("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
                    packing: .tarGzip(root: "cifar-10-batches-bin"))
            ], members: (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin", "batches.meta.txt"], unpackedBytes: 185_000_000),
        PublishedDataset(
            name: "mnist", folder: "mnist",
            files: [
                mnist("train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                mnist("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                mnist("t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                mnist("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ], members: [], unpackedBytes: 0),
        PublishedDataset(
            name: "svhn", folder: "svhn",
            files: [
                svhn("train_32x32.mat", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
                svhn("test_32x32.mat", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
            ], members: [], unpackedBytes: 0),
        PublishedDataset(
            name: "tiny-imagenet", folder: "tiny-imagenet-200",
            files: [
                PublishedFile(
                    addresses: ["http://cs231n.stanford.edu/tiny-imagenet-200.zip"], size: 248_100_043,
                    checksum: .md5("90528d7ca1a48142e341f4ef8d21d0de"), packing: .zip(root: "tiny-imagenet-200"))
            ], members: ["wnids.txt", "words.txt", "train", "val/val_annotations.txt", "val/images"], unpackedBytes: 520_000_000),
    ]

    /// The mirrors of pytorch/vision; the publisher's own page asks for a password by now.
    private static func mnist(_ name: String, _ size: Int, _ digest: String) -> PublishedFile {
        PublishedFile(
            addresses: ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"]
                .map { $0 + name },
            size: size, checksum: .sha256(digest), packing: .none)
    }

    private static func svhn(_ name: String, _ size: Int, _ digest: String) -> PublishedFile {
        PublishedFile(
            addresses: ["http://ufldl.stanford.edu/housenumbers/\(name)"], size: size, checksum: .sha256(digest), packing: .none)
    }

    /// The same files from another place: `mirror` and the file's name, nothing else is tried.
    package func from(mirror: String) -> PublishedDataset {
        var copy = self
        let base = mirror.hasSuffix("/") ? mirror : mirror + "/"
        for index in copy.files.indices { copy.files[index].addresses = [base + copy.files[index].name] }
        return copy
    }
}
