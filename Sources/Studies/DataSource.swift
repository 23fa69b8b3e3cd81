/// Where the images come from.
package enum DataSource: Sendable, Equatable, Codable {
    /// CIFAR-100's binary files in the folder `path`, as declared; relative to the working directory.
    case cifar100(path: String)
    /// Images made from a seed, with CIFAR-100's classes and superclasses.
    case synthetic(SyntheticData)
    /// Tiny ImageNet's JPEG files in the folder `path`; no superclasses, so that all classes are one task.
    case tinyImageNet(path: String)

    /// Height and width of an image, in pixels, as the files have it.
    package var imageSize: Int {
        switch self {
        case .cifar100, .synthetic: 32
        case .tinyImageNet: 64
        }
    }

    /// Whether classes belong to superclasses, two of which are a task.
    package var hasSuperclasses: Bool {
        switch self {
        case .cifar100, .synthetic: true
        case .tinyImageNet: false
        }
    }

    /// The classes of one task, as published: two superclasses of CIFAR-100, or all of the data.
    package var taskClasses: Int { hasSuperclasses ? 10 : 200 }

    /// The images a fine class has; for files those of the published data set.
    package var imagesPerClass: ImagesPerClass {
        switch self {
        case .cifar100: ImagesPerClass(training: 500, validation: 100)
        case .synthetic(let data): ImagesPerClass(training: data.trainingPerClass, validation: data.testPerClass)
        case .tinyImageNet: ImagesPerClass(training: 500, validation: 50)
        }
    }

    /// The folder; `nil` for data that are made.
    package var path: String? {
        get {
            switch self {
            case .cifar100(let path), .tinyImageNet(let path): path
            case .synthetic: nil
            }
        }
        set {
            switch self {
            case .cifar100: self = .cifar100(path: newValue ?? "")
            case .tinyImageNet: self = .tinyImageNet(path: newValue ?? "")
            case .synthetic: break
            }
        }
    }

    /// What says something about results.
    var withoutPath: DataSource {
        var source = self
        if path != nil { source.path = "" }
        return source
    }
}

/// The synthetic set's parameters.
package struct SyntheticData: Sendable, Equatable, Codable {
    package var seed: UInt64
    package var trainingPerClass: Int
    package var testPerClass: Int

    package init(seed: UInt64, trainingPerClass: Int, testPerClass: Int) {
        self.seed = seed
        self.trainingPerClass = trainingPerClass
        self.testPerClass = testPerClass
    }
}

/// How many images one fine class has in each split. "Validation" is the papers' word for the test split.
package struct ImagesPerClass: Sendable, Equatable, Codable {
    package var training: Int
    package var validation: Int

    package init(training: Int, validation: Int) {
        self.training = training
        self.validation = validation
    }
}
